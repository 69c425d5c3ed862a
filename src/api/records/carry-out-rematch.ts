import type { Database } from '../../db/database';
import type { QueuedRematch } from '../../db/records-rematch';
import { runRematch } from '../../db/rematch-job';
import { publicId } from '../../domain/ids';
import type { ApiContext } from '../context';
import { EngineUnavailable } from '../temporal-gateway';

/** Links stored mail again, after a change of records was committed with the job for it. Returns the job's id while it goes on. */
export function carryOutRematch(
  context: ApiContext,
  tenantId: string,
  job: QueuedRematch | null,
): Promise<string | null> {
  return carryOutJob(context, {
    tenantId,
    job,
    atOnce: (db, ref) => runRematch(db, ref, context.limits.rematchAtOnceShares),
  });
}

/** A job over stored mail, in the database already, and how it is done here and now. */
interface QueuedJob {
  tenantId: string;
  job: { operationId: string; messages: number } | null;
  /** Resolves with `more` where it has not come to its end. */
  atOnce: (db: Database, ref: { tenantId: string; operationId: string }) => Promise<unknown>;
}

/**
 * Carries out a job: here, where it is small, so that the answer comes when all is done; else in the engine. Where that cannot be reached, the
 * reconciler starts it later: nothing is lost. Returns the job's id while it goes on.
 */
export async function carryOutJob(
  { db, temporal, limits, log }: ApiContext,
  { tenantId, job, atOnce }: QueuedJob,
): Promise<string | null> {
  if (job === null) return null;
  const { operationId } = job;
  const isSmall = job.messages <= limits.rematchAtOnceMessages;
  if (isSmall && (await atOnce(db, { tenantId, operationId })) !== 'more') return null;
  try {
    await temporal.startRematch({ tenantId, operationId });
  } catch (error) {
    if (!(error instanceof EngineUnavailable)) throw error;
    log.warn({ operationId: publicId('operation', operationId) }, 'engine not told, left to the reconciler');
  }
  return operationId;
}
