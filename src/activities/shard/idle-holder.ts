import { shareOf } from '../../domain/shard';
import { attend, leave } from '../../db/watch/idle-workers';
import { readRoster } from '../../db/watch/roster';
import { removeWatches, writeWatches } from '../../db/watch/watch-rows';
import { HeldShard } from './held-shard';
import { createSeats, type Seats } from './seats';
import { createTouch, type Touch } from './touch';
import type { Watching } from './watching';

/** All shards that a worker process holds. There is one of it for each process with the role `idle`. */
export interface IdleHolder {
  /** How many shards may be held; activities are only taken when one is free. */
  readonly seats: Pick<Seats, 'take' | 'give'>;
  /** Takes a shard into this worker's hands. */
  hold(shard: number): HeldShard;
  /** Lets go of a shard. Its connections are closed behind this call; `close` waits for them. */
  release(held: HeldShard): void;
  /** Begins to attend: until then this worker has no share. */
  start(): void;
  /** The worker is about to end: the others may take over its share from now on, and it takes no more. */
  leave(): Promise<void>;
  close(): Promise<void>;
}

/** Looks for what is due this often. */
const tickMs = 200;
/** Who is there is read this often, so that a worker that ends is missed no longer, */
const pulseMs = 1_000;
/** and who is to be watched, unless a shard has just been taken. */
const rosterEveryMs = 2_000;
/** After Temporal was lost to this worker it takes no more shards for so long: where all had lost it, the others are about to be back too. */
const settleMs = 5_000;
/** Without a roster for so long a shard is given back, with an error that people see. */
const rosterIsStaleAfterMs = 120_000;

/** Makes the holder. `worker` is an id of its own for each process. */
export function createIdleHolder(worker: string, watching: Watching): IdleHolder {
  const holder = new Holder(worker, watching);
  return {
    seats: holder.seats,
    hold: (shard) => holder.hold(shard),
    release: (held) => holder.release(held),
    start: () => holder.start(),
    leave: () => holder.leave(),
    close: () => holder.close(),
  };
}

class Holder {
  readonly seats = createSeats();
  private readonly startedAt = new Date();
  private readonly shards = new Set<HeldShard>();
  private readonly ending = new Set<Promise<void>>();
  private readonly removed = new Set<string>();
  private ticking: NodeJS.Timeout | undefined;
  private pulsing: NodeJS.Timeout | undefined;
  private pulse: Promise<void> | null = null;
  private isBeatWanted = false;
  private rosterAt: number;
  private isRosterWanted = true;
  private allWrittenAt = Number.NEGATIVE_INFINITY;
  private hasLeft = false;
  private readonly touch: Touch;
  private isAway = false;
  private settledAt = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly worker: string,
    private readonly watching: Watching,
  ) {
    this.rosterAt = watching.now();
    this.touch = createTouch({ ask: () => watching.askTemporal(), now: () => watching.now() });
  }

  start(): void {
    this.ticking = setInterval(() => {
      const now = this.watching.now();
      for (const shard of this.shards) shard.tick(now);
    }, tickMs);
    this.pulsing = setInterval(() => this.beat(), pulseMs);
    this.touch.start();
    this.beat();
  }

  hold(shard: number): HeldShard {
    const held = new HeldShard(shard, this.watching);
    if (this.shards.size === 0) this.rosterAt = this.watching.now();
    this.shards.add(held);
    if (this.hasLeft) held.giveBack('shutdown');
    // Not to wait for the next beat: a shard that nobody watches is a gap.
    else {
      this.isRosterWanted = true;
      this.beat();
    }
    return held;
  }

  release(held: HeldShard): void {
    if (!this.shards.delete(held)) return;
    const ending = held.end();
    this.ending.add(ending);
    void ending.finally(() => this.ending.delete(ending));
  }

  async leave(): Promise<void> {
    if (this.hasLeft) return;
    this.hasLeft = true;
    clearInterval(this.pulsing);
    this.touch.end();
    this.seats.allow(0);
    for (const shard of this.shards) shard.giveBack('shutdown');
    await this.pulse;
    // Where the database is away, the others notice by themselves.
    await leave(this.watching.db, this.worker).catch(() => undefined);
  }

  async close(): Promise<void> {
    await this.leave();
    this.watching.warmUp.end();
    clearInterval(this.ticking);
    for (const shard of this.shards) this.release(shard);
    await Promise.all(this.ending);
  }

  /** One beat at a time; one that is wanted during another follows it. */
  private beat(): void {
    if (this.pulse !== null) {
      this.isBeatWanted = true;
      return;
    }
    this.isBeatWanted = false;
    this.pulse = this.beatOnce()
      // The database is away: what is watched is watched on, and a roster that stays away ends it.
      .catch(() => this.giveBackWhenStale())
      .then(() => {
        this.pulse = null;
        if (this.isBeatWanted && !this.hasLeft) this.beat();
      });
  }

  private async beatOnce(): Promise<void> {
    const { db } = this.watching;
    if (this.touch.isLost()) {
      await this.stayAway();
      return;
    }
    if (this.isAway) this.comeBack();
    const alive = await attend(db, { worker: this.worker, startedAt: this.startedAt, shards: this.shards.size });
    if (this.hasLeft) return;
    if (this.watching.now() >= this.settledAt) this.share(shareOf(this.worker, alive));
    if (this.isRosterWanted || this.watching.now() - this.rosterAt >= rosterEveryMs) await this.takeRoster();
    await this.write();
  }

  /** Nobody whom this worker watches can be told of news, and Temporal takes it for dead: so do the others, who can. */
  private async stayAway(): Promise<void> {
    this.seats.allow(0);
    for (const held of this.shards) held.giveBack('out-of-touch');
    if (this.isAway) return;
    await leave(this.watching.db, this.worker);
    this.isAway = true;
  }

  private comeBack(): void {
    this.isAway = false;
    this.settledAt = this.watching.now() + settleMs;
  }

  private async takeRoster(): Promise<void> {
    this.isRosterWanted = false;
    const shards = [...this.shards];
    const numbers = shards.map((held) => held.shard);
    const roster = await readRoster(this.watching.db, numbers);
    this.rosterAt = this.watching.now();
    for (const held of shards) {
      // Given back meanwhile.
      if (!this.shards.has(held)) continue;
      for (const id of held.update(roster)) this.removed.add(id);
    }
  }

  private share(count: number): void {
    this.seats.allow(count);
    for (const held of [...this.shards].slice(count)) held.giveBack('surplus');
  }

  private async write(): Promise<void> {
    const { db, limits, now } = this.watching;
    const isTimeForAll = now() - this.allWrittenAt >= limits.watchWriteMs;
    const rows = [...this.shards].flatMap((held) => held.rows(isTimeForAll ? 'all' : 'changed'));
    if (isTimeForAll) this.allWrittenAt = now();
    await writeWatches(db, this.worker, rows);
    const removed = [...this.removed];
    await removeWatches(db, this.worker, removed);
    for (const id of removed) this.removed.delete(id);
  }

  private giveBackWhenStale(): void {
    if (this.watching.now() - this.rosterAt < rosterIsStaleAfterMs) return;
    for (const held of this.shards) held.giveBack('stale-roster');
  }
}
