import { findOperation } from '../db/operations';
import type { HeldJobKind } from '../db/replay/replay-control';
import { publicId } from '../domain/ids';
import type { ApiContext } from './context';
import { readerOf } from './mailboxes/people';
import { presentOperation } from './operations';
import { notFound } from './problems';
import { EngineUnavailable } from './temporal-gateway';
import type { Viewer } from './viewer';

/**
 * Starts a job that is in the database already, or lets it go on, and shows it; where the engine cannot be reached, the reconciler starts it
 * later. @throws Problem 404
 */
export async function startedJob(
  { db, temporal, log, now }: ApiContext,
  viewer: Viewer,
  { kind, operationId }: { kind: HeldJobKind; operationId: string },
) {
  const job = { tenantId: viewer.tenantId, operationId };
  try {
    await (kind === 'replay' ? temporal.startReplay(job) : temporal.startReprocess(job));
  } catch (error) {
    if (!(error instanceof EngineUnavailable)) throw error;
    log.warn({ operationId: publicId('operation', operationId) }, 'engine not told, left to the reconciler');
  }
  const operation = await findOperation(db, readerOf(viewer), operationId);
  if (operation === null) throw notFound();
  return presentOperation(operation, now());
}
