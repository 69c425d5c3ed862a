import type { ImapFlow } from 'imapflow';

/** What is used and replaced of imapflow, which it does not publish. The version is pinned. `Options` are those that the caller of `exec` gives. */
export interface ImapflowInternals<Options> {
  exec: (command: string, args: unknown[], options?: Options) => Promise<{ next: () => void }>;
  /** Takes one line; the next is read once this has resolved. */
  handleResponse: (line: unknown) => Promise<boolean>;
}

/** The client with its internals. @throws Error where this version of imapflow has others */
export function internalsOf<Options>(client: ImapFlow): ImapFlow & ImapflowInternals<Options> {
  if (!hasInternals<Options>(client)) {
    throw new Error('This version of imapflow has other internals than this is written for.');
  }
  return client;
}

function hasInternals<Options>(client: ImapFlow): client is ImapFlow & ImapflowInternals<Options> {
  return ['exec', 'handleResponse', 'untaggedVanished'].every(
    (name) => typeof Reflect.get(client, name) === 'function',
  );
}
