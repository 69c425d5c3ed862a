import type { ImapFlow } from 'imapflow';

interface Atom {
  type: 'ATOM';
  value: string;
}

export type Arguments = (Atom | Arguments)[];

/** An untagged answer; `command` is the number where one comes first: `3 EXISTS`. */
interface Untagged {
  command: string;
}

/** What a watch needs of imapflow that it does not publish: commands it does not know, and answers nobody asked for. */
export interface Internals {
  /** The reading goes on only after `next()` of what it resolves to. */
  exec: (command: string, args: Arguments) => Promise<{ next: () => void }>;
  /** Takes one line; the next is read once this has resolved. */
  handleResponse: (line: unknown) => Promise<boolean>;
  /** By the name of the answer; the handlers of a command that runs come before these. */
  untaggedHandlers: Record<string, (answer: Untagged) => Promise<void>>;
  /** By response code (RFC 9051 7.1). */
  sectionHandlers: Record<string, () => Promise<void>>;
  /** What LIST last told, kept for SELECT alone. */
  folders: Map<string, unknown>;
  /** The capabilities as the parser left them; they are read from `capabilities`. */
  rawCapabilities: unknown;
}

/** The version is pinned, and the tests of the watch run against real servers: a change of these names cannot pass unseen. */
export function internalsOf(client: ImapFlow): ImapFlow & Internals {
  if (hasInternals(client)) return client;
  throw new Error('This version of imapflow has other internals than the watch is written for.');
}

function hasInternals(client: ImapFlow): client is ImapFlow & Internals {
  const are = (type: string, ...names: string[]): boolean =>
    names.every((name) => typeof Reflect.get(client, name) === type);
  return (
    are('function', 'exec', 'handleResponse') &&
    are('object', 'untaggedHandlers', 'sectionHandlers', 'folders', 'rawCapabilities')
  );
}

/** Lets go of what imapflow keeps of a listing and of the login, some hundred bytes for each folder: a watch is there for days. */
export function forgetListing(client: ImapFlow): void {
  const internals = internalsOf(client);
  internals.folders.clear();
  internals.rawCapabilities = null;
}

export const atom = (value: string): Atom => ({ type: 'ATOM', value });
