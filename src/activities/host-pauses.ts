import { leavingAlone, MailFailure } from '../domain/failure';
import type { PausedServer } from '../db/watch/host-pauses';
import type { Connections } from './connections';

/** A mail server: another port of a host is another server, and may be another's. */
interface Server {
  host: string;
  port: number;
}

/** Who asks which server. */
interface Asking {
  tenantId: string;
  imap: Server;
}

/** Servers that have said that they are too busy for everybody, or for an organisation; all workers leave them alone. */
export interface HostPauses {
  /** Notes what a server has said. Where the database is away, this worker alone knows of it. */
  pause(asking: Asking, failure: Pick<MailFailure, 'retryAfterMs' | 'reach'>): void;
  /** @throws MailFailure `busy` (`throttled`) with the time that is left, while the server is left alone by this tenant or by everybody */
  refuse(asking: Asking): Promise<void>;
}

/** Where pauses are kept for all workers, and how long they are. */
export interface HostPausesOptions {
  write: (paused: PausedServer) => Promise<void>;
  read: () => Promise<PausedServer[]>;
  limits: { hostPauseMs: number; hostPauseCapMs: number };
  /** Milliseconds since any moment. */
  now: () => number;
}

/** What is read is good for so long: a worker hears of a pause that another noted within this time. */
const freshMs = 2_000;

/** Mailboxes that have waited for the same server come back spread over this time. */
const spreadMs = 10_000;

/** Makes the pauses of a worker. */
export function createHostPauses({ write, read, limits, now }: HostPausesOptions): HostPauses {
  const until = new Map<string, number>();
  let readAt = Number.NEGATIVE_INFINITY;
  let reading: Promise<void> | null = null;

  function note({ host, port, by, leftMs }: PausedServer): void {
    const key = keyOf({ host, port }, by);
    until.set(key, Math.max(until.get(key) ?? Number.NEGATIVE_INFINITY, now() + leftMs));
  }

  async function readAll(): Promise<void> {
    try {
      for (const paused of await read()) note(paused);
      readAt = now();
    } catch {
      // What is known already holds; a database that is away is told of by whoever needs it.
    } finally {
      reading = null;
    }
  }

  return {
    pause({ tenantId, imap: { host, port } }, { retryAfterMs, reach }) {
      const leftMs = Math.min(retryAfterMs ?? limits.hostPauseMs, limits.hostPauseCapMs);
      const paused = { host: host.toLowerCase(), port, by: reach === 'organisation' ? tenantId : everybody, leftMs };
      note(paused);
      write(paused).catch(() => undefined);
    },
    async refuse({ tenantId, imap }) {
      if (now() - readAt >= freshMs) await (reading ??= readAll());
      for (const key of [keyOf(imap, everybody), keyOf(imap, tenantId)]) {
        const leftMs = (until.get(key) ?? Number.NEGATIVE_INFINITY) - now();
        if (leftMs > 0) {
          const retryAfterMs = Math.ceil(leftMs + Math.random() * spreadMs);
          throw new MailFailure('busy', leavingAlone, { code: 'throttled', retryAfterMs });
        }
        until.delete(key);
      }
    },
  };
}

const everybody = 'everybody';

function keyOf({ host, port }: Server, by: string): string {
  return `${host.toLowerCase()}:${String(port)} ${by}`;
}

/** Connections that ask nothing of a server that is left alone, also over those that are open already. */
export function unlessPaused(connections: Connections, pauses: HostPauses): Connections {
  return {
    use: async (use, work) => {
      await pauses.refuse(use.mailbox);
      return connections.use(use, work);
    },
    closeAll: () => connections.closeAll(),
  };
}
