import { z } from 'zod';

import type { Deletion } from '../../db/deletion/deletions';
import type { CascadeKind } from '../../db/deletion/cascade/cascades';
import { publicId } from '../../domain/ids';
import type { ApiContext } from '../context';
import { EngineUnavailable } from '../temporal-gateway';
import { within } from '../within';
import type { Viewer } from '../viewer';
import { forbidden } from '../problems';

const counts = z.record(z.string(), z.int());

/** What a dry run of the deletion of a record, a user or the tenant answers. */
export const cascadePreviewSchema = z.object({
  goes: counts.describe('Rows that would be deleted, by what they are'),
  reassigned: counts.describe('What would be given to another user'),
  stays: z.array(z.object({ what: z.string(), count: z.int(), why: z.string() })),
});

/** What a deletion that was asked for is answered with. */
export const deletionAsked = z.object({ deletionId: z.string() });

/** The answer to a deletion that was asked for, and where it can be looked at. */
export function presentAsked({ id }: Deletion): { location: string; body: z.output<typeof deletionAsked> } {
  const deletionId = publicId('deletion', id);
  return { location: `/v1/deletions/${deletionId}`, body: { deletionId } };
}

/** @throws Problem 403: what cannot be taken back is for admins, and keys of the tenant */
export function requireEraser(viewer: Viewer, what: string): void {
  if (viewer.userId === null || viewer.role === 'admin') return;
  throw forbidden(`Only an admin can ${what}.`);
}

/** As long as an engine that is well takes. Who deletes does not wait for another: the wish is in the database. */
const answerMs = 150;

/** Starts what is in the database already. Where the engine cannot be reached, the reconciler does it later. */
export async function startDeletion(
  { temporal, log }: ApiContext,
  { tenantId }: Viewer,
  deletion: Deletion & { kind: CascadeKind },
): Promise<void> {
  const { id: deletionId, kind, targetId } = deletion;
  const told = temporal.deleteCascade({ tenantId, deletionId, kind, targetId }).catch((error: unknown) => {
    if (!(error instanceof EngineUnavailable)) throw error;
    log.warn({ deletionId: publicId('deletion', deletionId) }, 'engine not told, left to the reconciler');
  });
  await within(told, answerMs);
}
