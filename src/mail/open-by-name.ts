import type { ImapFlow, MailboxObject } from 'imapflow';

import { isOddName, nameOnServer } from './folder-names';

type Exec = (command: string, args: unknown[], options?: unknown) => Promise<unknown>;

/**
 * SELECT or EXAMINE of a folder by the name that it is kept under. imapflow decodes and encodes names itself, which loses those that are
 * encoded in an unusual way, and has no way to send a line break: such a name goes out as a literal with the server's own bytes.
 * Fails as `mailboxOpen` does.
 */
export async function openByName(
  client: ImapFlow,
  { path, readOnly }: { path: string; readOnly: boolean },
): Promise<MailboxObject> {
  if (!isOddName(path)) return client.mailboxOpen(path, { readOnly });
  const folders: unknown = Reflect.get(client, 'folders');
  if (!(folders instanceof Map)) throw otherInternals();
  // What imapflow has listed it does not ask for again, which it would do under a name that is none.
  folders.set(path, { path });
  return withOwnBytes(client, path, () => client.mailboxOpen(path, { readOnly }));
}

/** STATUS of a folder by the name that it is kept under, likewise. Answers, and fails, as `status` does. */
export async function statusByName(
  client: ImapFlow,
  { path, query }: { path: string; query: Parameters<ImapFlow['status']>[1] },
): ReturnType<ImapFlow['status']> {
  if (!isOddName(path)) return client.status(path, query);
  return withOwnBytes(client, path, () => client.status(path, query));
}

/** Where a command has the name among its arguments; that a folder is there imapflow asks by LIST. */
const placeOfName: ReadonlyMap<string, number> = new Map([
  ['EXAMINE', 0],
  ['SELECT', 0],
  ['STATUS', 0],
  ['LIST', 1],
  ['XLIST', 1],
]);

async function withOwnBytes<T>(client: ImapFlow, path: string, action: () => Promise<T>): Promise<T> {
  const exec: unknown = Reflect.get(client, 'exec');
  if (typeof exec !== 'function') throw otherInternals();
  const name = { type: 'LITERAL', value: Buffer.from(nameOnServer(path)) };
  const withName: Exec = (command, args, options) => {
    const place = placeOfName.get(command);
    const named = place === undefined ? args : args.with(place, name);
    return Reflect.apply(exec, client, [command, named, options]) as ReturnType<Exec>;
  };
  Reflect.set(client, 'exec', withName);
  try {
    return await action();
  } finally {
    Reflect.set(client, 'exec', exec);
  }
}

function otherInternals(): Error {
  return new Error('This version of imapflow has other internals than this is written for.');
}
