import { abilitiesOf } from '../open-mailbox';
import type { MailboxAccess } from '../mailbox';
import { openSession, type Session } from '../session';
import { ImapWatch } from './imap-watch';
import type { MailboxWatch, WatchMode, WatchOptions } from './mailbox-watch';
import { askForNotify } from './notify';
import { askForSignOfLife } from './sign-of-life';
import { takeTurns } from './take-turns';

/** A watch reads no messages. The longest line is a capability list or a folder's name, which may be a literal as well. */
const maxLineBytes = 65_536;
const maxLiteralBytes = 65_536;

/**
 * Connects to an account, logs in and has the server watch it: by NOTIFY, else by IDLE on one folder, else not at all.
 * One that is refused although it is announced is as good as absent. A folder that IDLE is to watch and that cannot be opened
 * leaves mode `none`: whoever chose it has to look at the folders first.
 *
 * A watch of mode `none` stays open, and NOOP keeps it so: a sweep every minute costs less than a login every minute. Whoever sweeps
 * it less often than every half hour had better close it in between.
 *
 * The connection is imapflow's, as everywhere: of 500 with TLS each takes 28 kB of heap and 115 kB of resident memory, all together
 * 0.2 % of a core with a renewal every four minutes. What it does with answers nobody asked for is replaced (`listenForNews`).
 * @throws MailFailure as `openMailbox`
 */
export async function openWatch(access: MailboxAccess, options: WatchOptions): Promise<MailboxWatch> {
  const { limits, hostRules, signal, onBusyForAll } = options;
  const session = await openSession(access, {
    hostRules,
    connectTimeoutMs: limits.connectTimeoutMs,
    socketTimeoutMs: limits.socketTimeoutMs,
    commandTimeoutMs: limits.idleRenewMs,
    maxLineBytes,
    maxLiteralBytes,
    // News are news however they are counted, and nothing is fetched here.
    uidOnly: false,
    ...(signal === undefined ? {} : { signal }),
    ...(onBusyForAll === undefined ? {} : { onBusyForAll }),
  });
  try {
    takeTurns(session, limits.maxBytesPerMinute);
    const mode = await modeOf(session, options.folder);
    return new ImapWatch(session, { ...options, mode, abilities: abilitiesOf(session.client, access.host) });
  } catch (error) {
    session.client.close();
    throw error;
  }
}

async function modeOf(session: Session, folder: WatchOptions['folder']): Promise<WatchMode> {
  // Read after login: what a server can do for an account is not what it says in its greeting.
  const has = (name: string): boolean =>
    [...session.client.capabilities.keys()].some((one) => one.toUpperCase() === name);
  if (has('NOTIFY') && (await askForNotify(session))) return 'notify';
  if (has('IDLE') && (await opens(session, await folder())) && (await takesIdle(session))) return 'idle';
  return 'none';
}

/**
 * EXAMINE. From here on the server owes every change of the folder to this connection, in the answer to whatever is asked next
 * (RFC 9051 5.2), so that nothing is missed between two IDLEs either.
 */
async function opens(session: Session, folder: string): Promise<boolean> {
  try {
    await session.run('EXAMINE', () => session.client.mailboxOpen(folder, { readOnly: true }));
    return true;
  } catch (error) {
    if (!session.usable) throw error;
    return false;
  }
}

/** Takes up IDLE and ends it with a NOOP: by its answer, IDLE was either begun or refused. */
async function takesIdle(session: Session): Promise<boolean> {
  // A connection that is lost fails the NOOP as well.
  const idled = session.client.idle().catch(() => false);
  await askForSignOfLife(session);
  return (await idled) !== false;
}
