import { randomUUID } from 'node:crypto';

import type { AccountLease, WantedLease } from '../db/watch/account-connections';

/** Where leases are kept for all workers together. */
export interface LeaseStore {
  exchange: (change: { freed: AccountLease[]; wanted: WantedLease[] }) => Promise<Set<string>>;
  /** Says that this worker is there; `forgotten` where others may have taken its slots meanwhile. */
  beat: () => Promise<'known' | 'forgotten'>;
  /** The leases that are still this worker's. */
  own: () => Promise<Set<string>>;
  /** Removes what dead workers left, and this worker where it is leaving. */
  forget: (which: 'dead' | 'dead-and-me') => Promise<void>;
}

/** The connection that a lease is for. */
export interface LeaseWish extends Omit<WantedLease, 'lease'> {
  /** Whether the server counts: such a connection is closed before anybody else may take its slot. */
  counted: 'by-the-server' | 'by-us';
}

/** The right to one connection. */
export interface Lease {
  /** Called once, where the right has ended before the connection: it is to be closed. */
  whenLost(tell: () => void): void;
  /** The connection is closed. Second call: no change. */
  release(): void;
}

/** The connections of this worker that are counted with those of all others. */
export interface ConnectionLeases {
  /** Null where all slots are taken; who has them is told that somebody waits. */
  take(wish: LeaseWish): Promise<Lease | null>;
  /** Frees all that is left; the connections must be closed. */
  close(): Promise<void>;
}

const tickMs = 1_000;
const beatEveryMs = 2_000;
const takenForDeadAfterMs = 12_000;
/** Before others take this worker for dead, with time to close connections. */
const fenceAfterMs = 9_000;
const forgetEveryMs = 60_000;
/** A server counts a connection for a moment after it was closed. */
const closedAfterMs = 50;
/** What is freed waits for more, so that many cost one statement. */
const freeWithinMs = 250;

interface Held {
  wish: LeaseWish;
  isLost: boolean;
  lost: () => void;
}

interface Asking {
  wish: LeaseWish;
  lease: string;
  resolve: (lease: Lease | null) => void;
  reject: (error: unknown) => void;
}

/** Makes the leases of a worker. `now` is a clock that nobody sets: milliseconds since any moment. */
export function createConnectionLeases(store: LeaseStore, now: () => number): ConnectionLeases {
  const leases = new Leases(store, now);
  return { take: (wish) => leases.take(wish), close: () => leases.close() };
}

class Leases {
  private readonly held = new Map<string, Held>();
  private asking: Asking[] = [];
  private freed: { lease: AccountLease; at: number }[] = [];
  private isClosing = false;
  private exchanging: Promise<void> | null = null;
  private freeing: NodeJS.Timeout | undefined;
  private ticking: NodeJS.Timeout | undefined;
  private beating: Promise<void> | null = null;
  private beatenAt = Number.NEGATIVE_INFINITY;
  private forgotAt = Number.NEGATIVE_INFINITY;
  /** How often there was a reason to think that others have taken slots of this worker, and how many of them have been looked into. */
  private doubts = 0;
  private settledDoubts = 0;

  constructor(
    private readonly store: LeaseStore,
    private readonly now: () => number,
  ) {}

  take(wish: LeaseWish): Promise<Lease | null> {
    this.ticking ??= setInterval(() => {
      this.tick();
    }, tickMs).unref();
    return new Promise((resolve, reject) => {
      this.asking.push({ wish, lease: randomUUID(), resolve, reject });
      this.exchange();
    });
  }

  async close(): Promise<void> {
    this.isClosing = true;
    clearInterval(this.ticking);
    for (const lease of [...this.held.keys()]) this.release(lease);
    await this.beating;
    this.exchange();
    while (this.exchanging !== null) await this.exchanging;
    // Where the database is away, the others notice by themselves.
    if (this.beatenAt !== Number.NEGATIVE_INFINITY) await this.store.forget('dead-and-me').catch(() => undefined);
  }

  private release(lease: string): void {
    const held = this.held.get(lease);
    if (held === undefined) return;
    this.held.delete(lease);
    this.freed.push({ lease: { ...held.wish, lease }, at: this.now() });
    this.freeSoon();
  }

  private freeSoon(): void {
    if (this.freed.length === 0 || this.isClosing) return;
    this.freeing ??= setTimeout(() => {
      this.freeing = undefined;
      this.exchange();
    }, freeWithinMs).unref();
  }

  /** One exchange at a time; what is asked for meanwhile goes with the next. */
  private exchange(): void {
    const closedBy = this.isClosing ? Infinity : this.now() - closedAfterMs;
    const isAnyClosed = this.freed.some(({ at }) => at <= closedBy);
    if (this.exchanging !== null || (this.asking.length === 0 && !isAnyClosed)) return;
    this.exchanging = this.exchangeOnce(closedBy).then((went) => {
      this.exchanging = null;
      // Without the database what was freed waits.
      if (went === 'well' || this.asking.length > 0) this.exchange();
      this.freeSoon();
    });
  }

  private async exchangeOnce(closedBy: number): Promise<'well' | 'badly'> {
    const wanted = this.oneOfEachAccount();
    const closed = this.freed.filter(({ at }) => at <= closedBy);
    this.freed = this.freed.filter(({ at }) => at > closedBy);
    try {
      // Slots of a worker that is not known are anybody's.
      if (wanted.length > 0 && this.now() - this.beatenAt >= fenceAfterMs) await this.beat();
      const given = await this.store.exchange({
        freed: closed.map(({ lease }) => lease),
        wanted: wanted.map(({ wish, lease }) => ({ ...wish, lease })),
      });
      for (const one of wanted) one.resolve(given.has(one.lease) ? this.hold(one) : null);
      return 'well';
    } catch (error) {
      for (const { reject } of wanted) reject(error);
      this.freed.unshift(...closed);
      return 'badly';
    }
  }

  private oneOfEachAccount(): Asking[] {
    const first = new Map<string, Asking>();
    const later: Asking[] = [];
    for (const one of this.asking) {
      const account = one.wish.account.toString('hex');
      if (first.has(account)) later.push(one);
      else first.set(account, one);
    }
    this.asking = later;
    return [...first.values()];
  }

  private hold({ wish, lease }: Asking): Lease {
    const held: Held = { wish, isLost: false, lost: () => undefined };
    this.held.set(lease, held);
    return {
      whenLost: (tell) => {
        held.lost = tell;
        if (held.isLost) tell();
      },
      release: () => {
        this.release(lease);
      },
    };
  }

  private tick(): void {
    if (this.held.size === 0) return;
    const silentMs = this.now() - this.beatenAt;
    if (silentMs >= fenceAfterMs) this.fence();
    if (silentMs < beatEveryMs || this.beating !== null) return;
    this.beating = this.beat()
      // The database is away, or slow: the fence is for that.
      .catch(() => undefined)
      .then(() => {
        this.beating = null;
      });
  }

  private async beat(): Promise<void> {
    const begunAt = this.now();
    if (begunAt - this.beatenAt >= takenForDeadAfterMs) this.doubts += 1;
    const known = await this.store.beat().catch((error: unknown) => {
      // That it was forgotten is said once, and this may have been the answer.
      this.doubts += 1;
      throw error;
    });
    if (known === 'forgotten') this.doubts += 1;
    await this.settleDoubts();
    this.beatenAt = begunAt;
    if (begunAt - this.forgotAt < forgetEveryMs) return;
    this.forgotAt = begunAt;
    await this.store.forget('dead');
  }

  private async settleDoubts(): Promise<void> {
    const { doubts } = this;
    if (doubts <= this.settledDoubts) return;
    if (this.held.size > 0) await this.loseWhatOthersHave();
    this.settledDoubts = Math.max(this.settledDoubts, doubts);
  }

  private async loseWhatOthersHave(): Promise<void> {
    const before = [...this.held];
    const own = await this.store.own();
    for (const [lease, held] of before) if (!own.has(lease)) lose(held);
  }

  /** The others will soon take this worker for dead, and it cannot know whether they are right. */
  private fence(): void {
    for (const held of this.held.values()) if (held.wish.counted === 'by-the-server') lose(held);
  }
}

/** The slot is freed by whoever closes the connection, once it is closed. */
function lose(held: Held): void {
  if (held.isLost) return;
  held.isLost = true;
  held.lost();
}
