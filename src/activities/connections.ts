import type { Fence } from '../domain/mailbox-state';
import type { MailboxForSync } from '../db/sync/mailbox-for-sync';
import { presetOfHost } from '../domain/provider-presets';
import type { Mailbox } from '../mail/mailbox';

/** Who asks for a connection, and what for. */
export interface ConnectionUse {
  mailbox: MailboxForSync;
  purpose: 'sync' | 'import' | 'audit';
  /** Closes the connection at once, and with it ends whatever waits for the server. */
  signal: AbortSignal;
}

/**
 * Open connections, kept for a while so that the next round needs no login. At most one per mailbox and purpose. Where the provider counts an
 * account's connections none is kept: each worker keeps its own, and all of them would be more than a provider's preset says we use.
 */
export interface Connections {
  /**
   * Runs `work` on a connection that nobody else uses meanwhile. A connection that failed is not kept.
   * @throws the reason of the signal where that has ended it
   */
  use<T>(use: ConnectionUse, work: (open: Mailbox) => Promise<T>): Promise<T>;
  closeAll(): Promise<void>;
}

/** The mailbox that a kept connection belongs to, as it was when the connection was last used. */
export interface KeptMailbox {
  mailboxId: string;
  fence: Fence;
}

/** Where connections come from, and when kept ones go. */
export interface ConnectionSource {
  connect: (use: ConnectionUse) => Promise<Mailbox>;
  /** Of these, the ids of mailboxes that have a newer wish or are no more. */
  overtaken: (kept: KeptMailbox[]) => Promise<Set<string>>;
  /** A connection is closed after this time without use. */
  idleMs: number;
  /** Kept connections of overtaken mailboxes are looked for this often. */
  checkMs: number;
}

interface Kept extends KeptMailbox {
  open: Mailbox;
  accessVersion: string;
  timer: NodeJS.Timeout;
}

/** Makes the holder of a process's connections. */
export function createConnections(source: ConnectionSource): Connections {
  const kept = new Map<string, Kept>();
  const watch = setInterval(() => void closeOvertaken(source, kept), source.checkMs).unref();

  async function take(key: string, use: ConnectionUse): Promise<Mailbox> {
    const found = kept.get(key);
    if (found !== undefined) {
      kept.delete(key);
      clearTimeout(found.timer);
      if (found.open.usable && found.accessVersion === use.mailbox.accessVersion) return found.open;
      await found.open.close();
    }
    return source.connect(use);
  }

  function keep(key: string, { accessVersion, sourceId, fence }: MailboxForSync, open: Mailbox): void {
    const timer = setTimeout(() => {
      kept.delete(key);
      void open.close();
    }, source.idleMs);
    timer.unref();
    kept.set(key, { mailboxId: sourceId, fence, open, accessVersion, timer });
  }

  return {
    async use(use, work) {
      const { mailbox, purpose, signal } = use;
      signal.throwIfAborted();
      const key = `${purpose} ${mailbox.sourceId}`;
      const open = await unlessAborted(take(key, use), signal);
      const cut = () => void open.close();
      signal.addEventListener('abort', cut);
      if (signal.aborted) cut();
      try {
        const result = await work(open);
        const mayStay = open.usable && !signal.aborted && !kept.has(key) && isWorthKeeping(use);
        if (mayStay) keep(key, mailbox, open);
        else await open.close();
        return result;
      } catch (error) {
        await open.close();
        // That the connection broke is our own doing, and tells nothing of the server.
        signal.throwIfAborted();
        throw error;
      } finally {
        signal.removeEventListener('abort', cut);
      }
    },
    async closeAll() {
      clearInterval(watch);
      await closeEach(kept, [...kept.keys()]);
    },
  };
}

/** An audit is once a day; a provider that counts connections is not to count idle ones. */
function isWorthKeeping({ purpose, mailbox }: ConnectionUse): boolean {
  return purpose !== 'audit' && (presetOfHost(mailbox.imap.host)?.connections.limit ?? null) === null;
}

/** A login that nobody waits for any more is logged out again when it has come to its end. */
async function unlessAborted(connecting: Promise<Mailbox>, signal: AbortSignal): Promise<Mailbox> {
  const connected = new AbortController();
  const aborted = new Promise<never>((_, reject) => {
    const giveUp = () => {
      reject(signal.reason as Error);
    };
    signal.addEventListener('abort', giveUp, { signal: connected.signal });
    if (signal.aborted) giveUp();
  });
  try {
    return await Promise.race([connecting, aborted]);
  } catch (error) {
    connecting.then(
      (open) => open.close(),
      () => undefined,
    );
    throw error;
  } finally {
    connected.abort();
  }
}

async function closeOvertaken({ overtaken }: ConnectionSource, kept: Map<string, Kept>): Promise<void> {
  if (kept.size === 0) return;
  // Where the database does not answer there is nothing to go by: the next look is soon.
  const ids = await overtaken([...kept.values()]).catch(() => new Set<string>());
  const keys = [...kept].filter(([, { mailboxId }]) => ids.has(mailboxId)).map(([key]) => key);
  await closeEach(kept, keys);
}

async function closeEach(kept: Map<string, Kept>, keys: string[]): Promise<void> {
  const closing = keys.flatMap((key) => {
    const one = kept.get(key);
    kept.delete(key);
    if (one === undefined) return [];
    clearTimeout(one.timer);
    return [one.open.close()];
  });
  await Promise.all(closing);
}
