import type { DesiredState } from '../domain/mailbox-state';
import { recordWishApplied } from '../db/sync/round-write';
import type { ActivityContext } from './context';

/** The wish that holds now; `gone` where the mailbox is no more. */
export type WishResult = { kind: 'wish'; desired: DesiredState; generation: number; epoch: number } | { kind: 'gone' };

/** Takes up the newest wish, and says in the mailbox and its operations that it has been. Second run: no change. */
export async function applyWish(
  context: ActivityContext,
  input: { tenantId: string; mailboxId: string },
): Promise<WishResult> {
  const applied = await recordWishApplied(context.db, input);
  return applied === null ? { kind: 'gone' } : { kind: 'wish', ...applied };
}
