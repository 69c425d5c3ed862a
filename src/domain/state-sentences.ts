import { connectionSentences } from './connect-sentences';
import { connectCodes, type ConnectCode } from './failure';
import type { MailboxState } from './mailbox-state';

interface Words {
  sentence: string;
  remedy: string | null;
}

const waits = null;

/** What the codes of a failed round mean, beside those of a connection. */
const codeWords: Record<string, Words> = {
  'connection-lost': { sentence: 'The connection broke in the middle of a round.', remedy: waits },
  'garbled-answer': { sentence: 'The server answered something that is not IMAP.', remedy: waits },
  throttled: { sentence: 'The server asks for fewer requests.', remedy: waits },
  unavailable: { sentence: 'The server says that it is not available at the moment.', remedy: waits },
  'in-use': { sentence: 'The server says that the mailbox is in use.', remedy: waits },
  limit: { sentence: 'A limit of the server was reached.', remedy: waits },
  'over-quota': {
    sentence: 'The mailbox is full.',
    remedy: 'Make room in the mailbox, or ask the provider for more.',
  },
  'listing-not-proven': { sentence: 'The server did not show a whole folder.', remedy: waits },
  'disk-low': {
    sentence: 'The disk of this server is nearly full, so nothing is fetched.',
    remedy: 'Make room on the disk of the data directory.',
  },
  'uidvalidity-changed': { sentence: 'A folder was made anew on the server.', remedy: waits },
  'folder-gone': { sentence: 'A folder disappeared during the round.', remedy: waits },
  'empty-listing': {
    sentence: 'The server shows no folders at all.',
    remedy: 'Check the account at the provider, then POST .../sync.',
  },
  'too-many-folders': {
    sentence: 'The mailbox has more folders than are allowed.',
    remedy: 'Select the folders that matter in the policy, or raise LETTERBOOK_MAX_FOLDERS.',
  },
  'no-permission': {
    sentence: 'The server does not let this account read a folder.',
    remedy: 'Give the account the right, or exclude the folder in the policy.',
  },
  'read-only': {
    sentence: 'The server does not let this account change flags.',
    remedy: 'Give the account the right, or switch markSeen off in the policy.',
  },
  'contact-admin': {
    sentence: 'The server asks the owner to contact its administrator.',
    remedy: 'Ask the administrator of the mail server, then POST .../sync.',
  },
  'folder-corrupt': {
    sentence: 'The server says that a folder is damaged.',
    remedy: 'Ask the administrator of the mail server to repair it.',
  },
};

const statePhrases: Record<MailboxState, Words> = {
  connecting: { sentence: 'The first round has not ended yet.', remedy: null },
  live: { sentence: 'New mail is followed.', remedy: null },
  'backing-off': { sentence: 'The last round failed; it will be tried again by itself.', remedy: null },
  'auth-required': {
    sentence: 'The server refused the login.',
    remedy: 'Give the right password with PATCH /v1/mailboxes/{id}.',
  },
  'needs-attention': {
    sentence: 'The server refuses something that a person must look at.',
    remedy: 'Look at lastError, put it right, then POST .../sync.',
  },
  paused: { sentence: 'It was paused.', remedy: 'POST .../resume goes on.' },
  stopping: { sentence: 'It is being stopped.', remedy: null },
  stopped: { sentence: 'It was stopped; what was recorded is kept.', remedy: 'POST .../start goes on.' },
  deleting: { sentence: 'It is being deleted.', remedy: null },
};

/** What a code means, for a person. A code without words of its own is told as itself. */
export function codeSentence(code: string): string {
  return wordsOfCode(code)?.sentence ?? `The round failed: ${code}.`;
}

/** Why a mailbox is in its state, for a person. `code` is `state_reason`. */
export function stateSentence(state: MailboxState, code: string | null): string {
  if (code === null) return statePhrases[state].sentence;
  return wordsOfCode(code)?.sentence ?? statePhrases[state].sentence;
}

/** What a person can do about it; null where it needs nobody. */
export function remedyFor(state: MailboxState, code: string | null): string | null {
  const words = code === null ? null : wordsOfCode(code);
  return words?.remedy ?? statePhrases[state].remedy;
}

function wordsOfCode(code: string): Words | null {
  if (isConnectCode(code)) return { sentence: connectionSentences[code], remedy: null };
  return codeWords[code] ?? null;
}

function isConnectCode(code: string): code is ConnectCode {
  return connectCodes.some((known) => known === code);
}
