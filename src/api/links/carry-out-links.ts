import { findOperation } from '../../db/operations';
import { publicId } from '../../domain/ids';
import type { LinksToRun } from '../../workflows/contract';
import type { ApiContext } from '../context';
import { readerOf } from '../mailboxes/people';
import { presentOperation } from '../operations';
import { notFound } from '../problems';
import { EngineUnavailable } from '../temporal-gateway';
import type { Viewer } from '../viewer';

/**
 * Starts an operation on links that is in the database already, and shows it; where the engine cannot be reached, the reconciler starts it later.
 * @throws Problem 404
 */
export async function startedLinks(
  { db, temporal, log, now }: ApiContext,
  viewer: Viewer,
  links: Omit<LinksToRun, 'tenantId'>,
) {
  try {
    await temporal.startLinks({ ...links, tenantId: viewer.tenantId });
  } catch (error) {
    if (!(error instanceof EngineUnavailable)) throw error;
    log.warn({ operationId: publicId('operation', links.operationId) }, 'engine not told, left to the reconciler');
  }
  const operation = await findOperation(db, readerOf(viewer), links.operationId);
  if (operation === null) throw notFound();
  return presentOperation(operation, now());
}
