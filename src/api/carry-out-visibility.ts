import { z } from 'zod';

import { runVisibility, type QueuedVisibility } from '../db/visibility-job';
import type { ApiContext } from './context';
import { carryOutJob } from './records/carry-out-rematch';

/** In the answer 202 to a change of readers, which is made: what goes on. */
export const operationOfChange = z
  .string()
  .describe('The job that tells anew who may read stored mail; what was taken away is taken away already');

/**
 * Tells anew who may read stored mail, after a change of readers was committed with the job for it: here, where it is little mail, else in the
 * engine. Returns the job's id while it goes on.
 */
export function carryOutVisibility(
  context: ApiContext,
  tenantId: string,
  job: QueuedVisibility | null,
): Promise<string | null> {
  return carryOutJob(context, { tenantId, job, atOnce: runVisibility });
}
