import { asksForRest, MailFailure } from '../domain/failure';
import type { Mailbox } from '../mail/mailbox';

/**
 * Whether what failed is one folder alone, so that the others have their turn on the same connection all the same. Not where the connection
 * is lost, and not where the server asks to be left alone.
 */
export function failsAlone(error: unknown, open: Pick<Mailbox, 'usable'>): error is MailFailure {
  return error instanceof MailFailure && open.usable && error.kind !== 'unreachable' && !asksForRest(error);
}
