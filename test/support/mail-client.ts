import { ImapFlow } from 'imapflow';

/** A person's own mail program, which does to the account what people do. */
export interface MailClient {
  append(folder: string, raw: Buffer, options?: { flags?: string[]; date?: Date }): Promise<number>;
  createFolder(path: string): Promise<void>;
  renameFolder(from: string, to: string): Promise<void>;
  deleteFolder(path: string): Promise<void>;
  move(from: string, uid: number, to: string): Promise<void>;
  copy(from: string, uid: number, to: string): Promise<void>;
  flag(folder: string, uid: number, flags: string[]): Promise<void>;
  unflag(folder: string, uid: number, flags: string[]): Promise<void>;
  expunge(folder: string, uids: number[]): Promise<void>;
  flagsOf(folder: string, uid: number): Promise<string[]>;
  close(): Promise<void>;
}

/** Logs in as any user of the test's Dovecot. */
export async function openMailClient(port: number, user: string): Promise<MailClient> {
  const client = new ImapFlow({
    host: '127.0.0.1',
    port,
    secure: false,
    doSTARTTLS: false,
    auth: { user, pass: 'pass' },
    logger: false,
    disableAutoIdle: true,
  });
  client.on('error', () => undefined);
  await client.connect();
  const inFolder = async <T>(path: string, work: () => Promise<T>): Promise<T> => {
    await client.mailboxOpen(path);
    return work();
  };
  return {
    append: async (folder, raw, options = {}) => {
      const answer = await client.append(folder, raw, options.flags ?? [], options.date);
      if (!answer || answer.uid === undefined) throw new Error('APPEND was refused');
      return answer.uid;
    },
    createFolder: async (path) => void (await client.mailboxCreate(path)),
    renameFolder: async (from, to) => void (await client.mailboxRename(from, to)),
    deleteFolder: async (path) => void (await client.mailboxDelete(path)),
    move: (from, uid, to) =>
      inFolder(from, async () => void (await client.messageMove(String(uid), to, { uid: true }))),
    copy: (from, uid, to) =>
      inFolder(from, async () => void (await client.messageCopy(String(uid), to, { uid: true }))),
    flag: (folder, uid, flags) =>
      inFolder(folder, async () => void (await client.messageFlagsSet(String(uid), flags, { uid: true }))),
    unflag: (folder, uid, flags) =>
      inFolder(folder, async () => void (await client.messageFlagsRemove(String(uid), flags, { uid: true }))),
    expunge: (folder, uids) =>
      inFolder(folder, async () => void (await client.messageDelete(uids.join(','), { uid: true }))),
    flagsOf: (folder, uid) =>
      inFolder(folder, async () => {
        const message = await client.fetchOne(String(uid), { flags: true }, { uid: true });
        if (!message) throw new Error('no such message');
        return [...(message.flags ?? [])];
      }),
    close: async () => {
      await client.logout();
    },
  };
}
