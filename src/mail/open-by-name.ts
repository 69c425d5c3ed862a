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
  const exec: unknown = Reflect.get(client, 'exec');
  const folders: unknown = Reflect.get(client, 'folders');
  if (typeof exec !== 'function' || !(folders instanceof Map)) {
    throw new Error('This version of imapflow has other internals than this is written for.');
  }
  // What imapflow has listed it does not ask for again, which it would do under a name that is none.
  folders.set(path, { path });
  const name = { type: 'LITERAL', value: Buffer.from(nameOnServer(path)) };
  const withName: Exec = (command, args, options) => {
    const isOpening = command === 'EXAMINE' || command === 'SELECT';
    return Reflect.apply(exec, client, [
      command,
      isOpening ? [name, ...args.slice(1)] : args,
      options,
    ]) as ReturnType<Exec>;
  };
  Reflect.set(client, 'exec', withName);
  try {
    return await client.mailboxOpen(path, { readOnly });
  } finally {
    Reflect.set(client, 'exec', exec);
  }
}
