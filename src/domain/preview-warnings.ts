import type { FolderLook, MailboxLook } from './preview';

/** What looks wrong before a mailbox is connected. Each has its words in `previewSentences`. */
export type PreviewWarningCode =
  | 'capped-listing'
  | 'message-limit'
  | 'no-sent-folder'
  | 'sent-out-of-scope'
  | 'inbox-out-of-scope'
  | 'nothing-in-scope'
  | 'all-mail-hidden'
  | 'labels-overlap'
  | 'quota-nearly-full'
  | 'too-many-folders'
  | 'count-unknown'
  | 'not-all-looked-into';

export interface PreviewWarning {
  code: PreviewWarningCode;
  /** The folders that it is about; empty where it is about the mailbox. */
  folders: string[];
}

/** A mailbox that is fuller than this will soon refuse mail. */
const nearlyFull = 0.95;

/** Yahoo and AOL show at most so many messages of a folder, and may count no more than they show. */
const usualMessageLimit = 10_000;

/** What a person should know before connecting, by what was seen. `maxFolders` is where a mailbox needs attention. */
export function previewWarnings(look: MailboxLook, maxFolders: number): PreviewWarning[] {
  return [...ofScope(look), ...ofListings(look), ...ofProvider(look), ...ofSize(look, maxFolders)];
}

function ofScope({ folders }: MailboxLook): PreviewWarning[] {
  const inScope = folders.filter(({ scope }) => scope === 'fetch');
  if (inScope.length === 0) return [warning('nothing-in-scope')];
  const sent = folders.filter(({ role }) => role === 'sent');
  const inbox = folders.filter(({ role }) => role === 'inbox');
  const takesAll = inScope.some(({ role }) => role === 'all');
  const outside = (some: readonly FolderLook[]) =>
    !takesAll && some.length > 0 && some.every(({ scope }) => scope !== 'fetch');
  return [
    ...(sent.length === 0 ? [warning('no-sent-folder')] : []),
    ...(outside(sent) ? [warning('sent-out-of-scope', sent)] : []),
    ...(outside(inbox) ? [warning('inbox-out-of-scope', inbox)] : []),
  ];
}

function ofListings({ folders, messageLimit }: MailboxLook): PreviewWarning[] {
  const capped = folders.filter(({ inside }) => inside?.capped === true);
  const atLimit = folders.filter(
    ({ inside, messages }) => messageLimit && inside?.capped !== true && (messages ?? 0) >= usualMessageLimit,
  );
  const inScope = folders.filter(({ scope }) => scope === 'fetch');
  const unknown = inScope.filter(({ messages }) => messages === null);
  const unseen = inScope.filter(({ inside, messages }) => inside === null && messages !== null);
  return [
    ...(capped.length > 0 ? [warning('capped-listing', capped)] : []),
    ...(messageLimit ? [warning('message-limit', atLimit)] : []),
    ...(unknown.length > 0 ? [warning('count-unknown', unknown)] : []),
    ...(unseen.length > 0 ? [warning('not-all-looked-into', unseen)] : []),
  ];
}

function ofProvider({ folders, gmail }: MailboxLook): PreviewWarning[] {
  if (!gmail) return [];
  const inScope = folders.filter(({ scope }) => scope === 'fetch');
  if (!folders.some(({ role }) => role === 'all')) return [warning('all-mail-hidden')];
  return inScope.length > 1 ? [warning('labels-overlap')] : [];
}

function ofSize({ folders, quota }: MailboxLook, maxFolders: number): PreviewWarning[] {
  const full = quota !== null && quota.limitBytes > 0 && quota.usedBytes >= quota.limitBytes * nearlyFull;
  return [
    ...(full ? [warning('quota-nearly-full')] : []),
    ...(folders.length > maxFolders ? [warning('too-many-folders')] : []),
  ];
}

function warning(code: PreviewWarningCode, folders: readonly FolderLook[] = []): PreviewWarning {
  return { code, folders: folders.map(({ path }) => path) };
}
