import { asksForRest, MailFailure } from '../domain/failure';
import type { MailboxForSync } from '../db/sync/mailbox-for-sync';
import type { Mailbox } from '../mail/mailbox';
import type { ActivityContext } from './context';

/**
 * Runs `work` on a fresh connection, for what one connection alone is not believed about. Where the server allows no second one, the only
 * one is closed and opened anew: folders that were open on it are not any more.
 * @throws MailFailure of `work`, where the server asks to be left alone, or cannot be reached any more; then `open` is not usable
 */
export async function onFreshConnection<T>(
  context: ActivityContext,
  { mailbox, open }: { mailbox: MailboxForSync; open: Mailbox },
  work: (fresh: Mailbox) => Promise<T>,
): Promise<T> {
  const second = await context.connect(mailbox).catch((error: unknown) => {
    if (error instanceof MailFailure && !asksForRest(error)) return null;
    throw error;
  });
  if (second === null) {
    await open.reopen();
    return work(open);
  }
  try {
    return await work(second);
  } finally {
    await second.close();
  }
}
