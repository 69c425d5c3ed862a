import type { MailboxForSync } from '../db/sync/mailbox-for-sync';
import type { Mailbox } from '../mail/mailbox';

/** Open connections, kept for a while so that the next round needs no login. At most one per mailbox and purpose. */
export interface Connections {
  /** Runs `work` on a connection that nobody else uses meanwhile. A connection that failed is not kept. */
  use<T>(mailbox: MailboxForSync, purpose: 'sync' | 'import', work: (open: Mailbox) => Promise<T>): Promise<T>;
  closeAll(): Promise<void>;
}

interface Kept {
  open: Mailbox;
  accessVersion: string;
  timer: NodeJS.Timeout;
}

/** Connections are closed after `idleMs` without use. */
export function createConnections(connect: (mailbox: MailboxForSync) => Promise<Mailbox>, idleMs: number): Connections {
  const kept = new Map<string, Kept>();

  async function take(key: string, mailbox: MailboxForSync): Promise<Mailbox> {
    const found = kept.get(key);
    if (found !== undefined) {
      kept.delete(key);
      clearTimeout(found.timer);
      if (found.open.usable && found.accessVersion === mailbox.accessVersion) return found.open;
      await found.open.close();
    }
    return connect(mailbox);
  }

  function keep(key: string, mailbox: MailboxForSync, open: Mailbox): void {
    const timer = setTimeout(() => {
      kept.delete(key);
      void open.close();
    }, idleMs);
    timer.unref();
    kept.set(key, { open, accessVersion: mailbox.accessVersion, timer });
  }

  return {
    async use(mailbox, purpose, work) {
      const key = `${purpose} ${mailbox.sourceId}`;
      const open = await take(key, mailbox);
      try {
        const result = await work(open);
        if (open.usable && !kept.has(key)) keep(key, mailbox, open);
        else await open.close();
        return result;
      } catch (error) {
        await open.close();
        throw error;
      }
    },
    async closeAll() {
      const all = [...kept.values()];
      kept.clear();
      for (const { open, timer } of all) {
        clearTimeout(timer);
        await open.close();
      }
    },
  };
}
