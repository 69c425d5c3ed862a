import { runRematch, type QueuedRematch } from '../../db/records-rematch';
import { publicId } from '../../domain/ids';
import type { ApiContext } from '../context';
import { EngineUnavailable } from '../temporal-gateway';

/**
 * Carries out a job that is in the database already: here, where it is small, so that the answer comes when the mail is linked; else in
 * the engine. Where that cannot be reached, the reconciler starts it later: nothing is lost. Returns the job's id while it goes on.
 */
export async function carryOutRematch(
  { db, temporal, limits, log }: ApiContext,
  tenantId: string,
  job: QueuedRematch | null,
): Promise<string | null> {
  if (job === null) return null;
  const { operationId } = job;
  if (job.messages <= limits.rematchAtOnceMessages) {
    await runRematch(db, { tenantId, operationId });
    return null;
  }
  try {
    await temporal.startRematch({ tenantId, operationId });
  } catch (error) {
    if (!(error instanceof EngineUnavailable)) throw error;
    log.warn({ operationId: publicId('operation', operationId) }, 'engine not told, left to the reconciler');
  }
  return operationId;
}
