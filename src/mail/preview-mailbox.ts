import { asksForRest, MailFailure } from '../domain/failure';
import type { ListedFolder } from '../domain/folder';
import { scopeOf, type FolderScope } from '../domain/policy';
import type { FolderLook, MailboxLook, PreviewAnswer, PreviewPolicy } from '../domain/preview';
import { providerOfHost } from '../domain/provider-presets';
import type { HostRules } from './host-rules';
import { lookInto } from './look-into-folder';
import type { Mailbox, MailboxAccess } from './mailbox';
import { mailboxOn } from './open-mailbox';
import { explainedFailure } from './probe-mailbox';
import { openSession, type Session } from './session';

export interface PreviewOptions {
  hostRules: HostRules;
  /** The whole look. What has not been looked into by then is said to be so. */
  timeoutMs: number;
  /** Folders that are looked into; of others only STATUS is told. */
  folders: number;
  /** Messages of a folder whose size and date are asked for. */
  sampleMessages: number;
}

/** Half of the time is for reaching the server until its greeting, a quarter is kept to find out what is silent there. */
const greetingShare = 2;
const diagnosisShare = 4;

/**
 * Logs in and looks around, folders in scope first: nothing is changed (EXAMINE), no content is fetched. Ends within the time-out with
 * what was seen until then. Failures to connect are answers, in the codes of `probeMailbox`; nothing is thrown for them.
 */
export async function previewMailbox(
  access: MailboxAccess,
  policy: PreviewPolicy,
  options: PreviewOptions,
): Promise<PreviewAnswer> {
  const reserveMs = Math.floor(options.timeoutMs / diagnosisShare);
  const stop = new AbortController();
  const timer = setTimeout(() => {
    stop.abort();
  }, options.timeoutMs - reserveMs);
  try {
    const open = () =>
      openSession(access, {
        hostRules: options.hostRules,
        connectTimeoutMs: Math.ceil(options.timeoutMs / greetingShare),
        socketTimeoutMs: options.timeoutMs,
        signal: stop.signal,
      });
    const session = await open();
    const mailbox = mailboxOn(session, { host: access.host, streamChunkBytes: undefined, again: open });
    const closing = () => mailbox.close();
    const look = await lookAround({ session, mailbox, policy, options, signal: stop.signal }).finally(closing);
    return { ok: true, provider: providerOfHost(access.host), look };
  } catch (error) {
    return await explainedFailure(error, access, { hostRules: options.hostRules, timeoutMs: reserveMs });
  } finally {
    clearTimeout(timer);
  }
}

interface Looking {
  session: Session;
  mailbox: Mailbox;
  policy: PreviewPolicy;
  options: PreviewOptions;
  signal: AbortSignal;
}

async function lookAround(looking: Looking): Promise<MailboxLook> {
  const { session, mailbox, policy, options } = looking;
  const listed = (await mailbox.listFolders()).filter(({ selectable }) => selectable);
  const quota = await quotaOf(session);
  const folders = listed.map((folder) => ({ folder, look: onlyCounted(folder, scopeOf(folder, policy.folders)) }));
  const inOrder = [...folders].sort((a, b) => turnOf(a.look) - turnOf(b.look)).slice(0, options.folders);
  for (const one of inOrder) {
    if (looking.signal.aborted || (await lookInside(looking, one)) === 'end') break;
  }
  const { gmail, messageLimit } = mailbox.abilities;
  return { folders: folders.map(({ look }) => look), quota, gmail, messageLimit };
}

function onlyCounted({ path, role, status }: ListedFolder, scope: FolderScope): FolderLook {
  return { path, role, scope, messages: status?.messages ?? null, inside: null };
}

/** The time may not last for all: what would be imported comes first, and of that INBOX and Sent. */
function turnOf({ scope, role }: FolderLook): number {
  if (scope !== 'fetch') return scope === 'ledger-only' ? 2 : 3;
  return role === 'inbox' || role === 'sent' ? 0 : 1;
}

/**
 * A folder that the server refuses is not looked into. The look ends where the time is up or the server asks to be left alone.
 * @throws MailFailure where the connection is lost
 */
async function lookInside(
  { session, mailbox, policy, options, signal }: Looking,
  { folder, look }: { folder: ListedFolder; look: FolderLook },
): Promise<'go on' | 'end'> {
  if (folder.status === null) return 'go on';
  const { scope } = look;
  const since = scope === 'fetch' && policy.start.from === 'date' ? new Date(policy.start.date) : null;
  const wish = { counts: scope === 'fetch', since, sampleMessages: options.sampleMessages };
  try {
    look.inside = await lookInto({ session, mailbox }, { path: folder.path, messages: folder.status.messages }, wish);
  } catch (error) {
    if (signal.aborted) return 'end';
    if (!(error instanceof MailFailure) || !session.usable) throw error;
    if (asksForRest(error)) return 'end';
  }
  return 'go on';
}

/** STORAGE of the account, by INBOX's quota root (RFC 9208 4.3). A server that refuses to say has none for us. */
async function quotaOf(session: Session): Promise<MailboxLook['quota']> {
  const answer = await session
    .run('GETQUOTAROOT', () => session.client.getQuota('INBOX'))
    .catch((error: unknown) => {
      if (session.usable) return false as const;
      throw error;
    });
  if (typeof answer !== 'object' || answer.storage === undefined) return null;
  const { usage, limit } = answer.storage;
  return usage === undefined || limit === undefined ? null : { usedBytes: usage, limitBytes: limit };
}
