import type { Session } from '../session';
import { atom, internalsOf, type Arguments } from './imapflow-internals';

/** RFC 5465 5: FlagChange goes with both others; MailboxName tells of folders made, renamed and deleted. */
const events = ['MessageNew', 'MessageExpunge', 'FlagChange', 'MailboxName'];

/** Every folder of the personal namespaces, also those yet to come (RFC 5465 6.4). No folder is selected. */
const everything: Arguments = [atom('SET'), [atom('personal'), events.map(atom)]];

/**
 * Asks the server to tell of every folder (RFC 5465 3.1). It does so from its OK on, in any state and without IDLE; Dovecot within
 * the half second that its IDLE takes too. Second run: no change. False where the server refuses, also for single events
 * (`NO [BADEVENT ...]`) or for the number of folders (`NO [NOTIFICATIONOVERFLOW]`).
 * @throws MailFailure where the connection is lost by it
 */
export async function askForNotify(session: Session): Promise<boolean> {
  try {
    await session.run('NOTIFY', async () => {
      const answer = await internalsOf(session.client).exec('NOTIFY', everything);
      answer.next();
    });
    return true;
  } catch (error) {
    if (!session.usable) throw error;
    return false;
  }
}

/** RFC 5465 5.8: a server that cannot keep up says so, and tells of nothing from then on. */
export function whenNotifyOverflows(session: Session, told: () => void): void {
  internalsOf(session.client).sectionHandlers['NOTIFICATIONOVERFLOW'] = () => {
    told();
    return Promise.resolve();
  };
}
