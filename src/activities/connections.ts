import type { MailboxForSync } from '../db/sync/mailbox-for-sync';
import type { ConnectedMailbox, Standing } from '../db/sync/overtaken';
import { presetOfHost } from '../domain/provider-presets';
import { StaleFence } from '../domain/stale-fence';
import type { Mailbox } from '../mail/mailbox';
import type { ActivityContext, ActivityRun } from './context';

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
   * Runs `work` on a connection that nobody else uses meanwhile. A connection that failed is not kept. Where the mailbox has a newer wish, what
   * comes over the connection could not be written any more: it is closed, also where its server is silent, and so ends the work. The signal
   * that `work` is given says so.
   * @throws the reason of the signal where that has ended it; StaleFence where a newer wish has
   */
  use<T>(use: ConnectionUse, work: (open: Mailbox, signal: AbortSignal) => Promise<T>): Promise<T>;
  closeAll(): Promise<void>;
}

/** Where connections come from, and when kept ones go. */
export interface ConnectionSource {
  /** The signal ends what has to be waited for until it is connected, and nothing after that. */
  connect: (use: ConnectionUse) => Promise<Mailbox>;
  /** How these mailboxes stand, in their order; the fence is the one that their connection was used under. */
  standings: (connected: ConnectedMailbox[]) => Promise<Standing[]>;
  /** A connection is closed after this time without use. */
  idleMs: number;
  /** Connections of mailboxes that have a newer wish are looked for this often. */
  checkMs: number;
}

interface InUse extends ConnectedMailbox {
  end: () => void;
}

interface Kept extends ConnectedMailbox {
  open: Mailbox;
  accessVersion: string;
  timer: NodeJS.Timeout;
}

/** Makes the holder of a process's connections. */
export function createConnections(source: ConnectionSource): Connections {
  const kept = new Map<string, Kept>();
  const inUse = new Set<InUse>();
  const watch = setInterval(() => void closeOvertaken(source, { kept, inUse }), source.checkMs).unref();

  async function take(key: string, use: ConnectionUse): Promise<Mailbox> {
    const found = kept.get(key);
    if (found !== undefined) {
      kept.delete(key);
      clearTimeout(found.timer);
      if (found.open.usable && found.accessVersion === use.mailbox.accessVersion) return found.open;
      await found.open.close();
    }
    return connectUnlessAborted(source, use);
  }

  function keep(key: string, { accessVersion, sourceId, fence }: MailboxForSync, open: Mailbox): void {
    const timer = setTimeout(() => {
      kept.delete(key);
      void open.close();
    }, source.idleMs);
    timer.unref();
    kept.set(key, { mailboxId: sourceId, fence, open, accessVersion, timer });
  }

  async function useUntilAborted<T>(use: ConnectionUse, work: (open: Mailbox) => Promise<T>): Promise<T> {
    const { mailbox, purpose, signal } = use;
    const key = `${purpose} ${mailbox.sourceId}`;
    const open = await take(key, use);
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
  }

  return {
    use: (use, work) =>
      untilOvertaken(inUse, use, (signal) => useUntilAborted({ ...use, signal }, (open) => work(open, signal))),
    async closeAll() {
      clearInterval(watch);
      await closeEach(kept, [...kept.keys()]);
    },
  };
}

/** Runs `work`, whose signal is aborted with that of `use`, or with StaleFence where the mailbox has been overtaken. */
async function untilOvertaken<T>(
  inUse: Set<InUse>,
  { mailbox, signal }: ConnectionUse,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  const ending = new AbortController();
  const follow = () => {
    ending.abort(signal.reason);
  };
  const end = () => {
    ending.abort(new StaleFence());
  };
  const used: InUse = { mailboxId: mailbox.sourceId, fence: mailbox.fence, end };
  signal.addEventListener('abort', follow);
  inUse.add(used);
  try {
    return await work(ending.signal);
  } finally {
    inUse.delete(used);
    signal.removeEventListener('abort', follow);
  }
}

/** What work on a connection is given: whatever it waits for, or connects to beside it, ends with the connection. */
interface OnConnection<Context> {
  context: Context;
  run: ActivityRun;
  open: Mailbox;
}

/**
 * Runs an activity's work on a connection, as `Connections.use` says.
 * @throws as `Connections.use`
 */
export function onConnection<Context extends ActivityContext & { connections: Connections }, T>(
  context: Context,
  run: ActivityRun,
  { work, ...use }: Omit<ConnectionUse, 'signal'> & { work: (on: OnConnection<Context>) => Promise<T> },
): Promise<T> {
  return context.connections.use({ ...use, signal: run.signal }, (open, signal) => {
    const connect: Context['connect'] = (mailbox, ended = signal) => context.connect(mailbox, ended);
    return work({ context: { ...context, connect }, run: { ...run, signal }, open });
  });
}

/** An audit is once a day; a provider that counts connections is not to count idle ones. */
function isWorthKeeping({ purpose, mailbox }: ConnectionUse): boolean {
  return purpose !== 'audit' && (presetOfHost(mailbox.imap.host)?.connections.limit ?? null) === null;
}

/**
 * A connection outlives whoever asked for it first, so the signal that it is made with is one of its own. A login that nobody waits for any
 * more, and that comes to its end all the same, is logged out again.
 */
async function connectUnlessAborted({ connect }: ConnectionSource, use: ConnectionUse): Promise<Mailbox> {
  const connecting = new AbortController();
  const connected = new AbortController();
  const aborted = new Promise<never>((_, reject) => {
    const giveUp = () => {
      reject(use.signal.reason as Error);
      connecting.abort(use.signal.reason);
    };
    use.signal.addEventListener('abort', giveUp, { signal: connected.signal });
    if (use.signal.aborted) giveUp();
  });
  const opening = connect({ ...use, signal: connecting.signal });
  try {
    return await Promise.race([opening, aborted]);
  } catch (error) {
    opening.then(
      (open) => open.close(),
      () => undefined,
    );
    throw error;
  } finally {
    connected.abort();
  }
}

async function closeOvertaken(
  { standings }: ConnectionSource,
  { kept, inUse }: { kept: Map<string, Kept>; inUse: Set<InUse> },
): Promise<void> {
  if (kept.size + inUse.size === 0) return;
  const [idle, used] = [[...kept], [...inUse]];
  // Where the database does not answer there is nothing to go by: the next look is soon.
  const found = await standings([...idle.map(([, one]) => one), ...used]).catch((): Standing[] => []);
  used.forEach((one, n) => {
    if (found[idle.length + n] === 'overtaken') one.end();
  });
  const isToGo = ([key, one]: [string, Kept], n: number) =>
    kept.get(key) === one && (found[n] ?? 'current') !== 'current';
  await closeEach(
    kept,
    idle.filter(isToGo).map(([key]) => key),
  );
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
