import type { RosterMailbox } from '../../db/watch/roster';
import type { WatchRow } from '../../db/watch/watch-rows';
import { HeldMailbox } from './held-mailbox';
import type { Watching } from './watching';

/** How the mailboxes of a shard are, for people who look at it. */
export interface ShardCounts {
  /** By push of all folders, or of one. */
  watched: number;
  /** Without push: swept at their refresh time. */
  swept: number;
  attaching: number;
  lost: number;
  /** The password was refused. */
  refused: number;
}

/** Why a shard is no longer held. */
export type ShardEnd = 'day-over' | 'aborted' | 'surplus' | 'shutdown' | 'stale-roster' | 'out-of-touch';

/** The mailboxes of one shard in the hands of this worker. */
export class HeldShard {
  private readonly mailboxes = new Map<string, HeldMailbox>();
  private readonly changed = new Set<HeldMailbox>();
  private tellEnd: (why: ShardEnd) => void = () => undefined;
  /** Resolves when the shard is to be given back. */
  readonly ended = new Promise<ShardEnd>((resolve) => {
    this.tellEnd = resolve;
  });

  constructor(
    readonly shard: number,
    private readonly watching: Watching,
  ) {}

  /** Takes up who is to be watched now; returns the ids of those who no longer are. */
  update(roster: readonly RosterMailbox[]): string[] {
    const wanted = new Set<string>();
    for (const mailbox of roster) {
      if (mailbox.shard !== this.shard) continue;
      wanted.add(mailbox.mailboxId);
      this.take(mailbox);
    }
    const gone = [...this.mailboxes.keys()].filter((id) => !wanted.has(id));
    for (const id of gone) {
      const mailbox = this.mailboxes.get(id);
      this.mailboxes.delete(id);
      if (mailbox === undefined) continue;
      void mailbox.end();
      this.changed.delete(mailbox);
    }
    return gone;
  }

  private take(roster: RosterMailbox): void {
    const known = this.mailboxes.get(roster.mailboxId);
    if (known !== undefined) {
      known.update(roster);
      return;
    }
    const mailbox: HeldMailbox = new HeldMailbox(roster, this.watching, () => this.changed.add(mailbox));
    this.mailboxes.set(roster.mailboxId, mailbox);
  }

  tick(now: number): void {
    for (const mailbox of this.mailboxes.values()) mailbox.tick(now);
  }

  /** What is to be written of the mailboxes: all of them, or those that have changed since the last time this was asked. */
  rows(which: 'all' | 'changed'): WatchRow[] {
    const mailboxes = which === 'all' ? [...this.mailboxes.values()] : [...this.changed];
    this.changed.clear();
    return mailboxes.flatMap((mailbox) => {
      const shown = mailbox.shown();
      const { tenantId, mailboxId } = mailbox.ref;
      return shown === null ? [] : [{ tenantId, mailboxId, shard: this.shard, ...shown }];
    });
  }

  counts(): ShardCounts {
    const counts: ShardCounts = { watched: 0, swept: 0, attaching: 0, lost: 0, refused: 0 };
    for (const mailbox of this.mailboxes.values()) counts[countOf(mailbox)] += 1;
    return counts;
  }

  /** Asks whoever holds the shard to give it back. */
  giveBack(why: ShardEnd): void {
    this.tellEnd(why);
  }

  /** Lets go of all mailboxes at once; resolves when their connections are closed. */
  async end(): Promise<void> {
    const mailboxes = [...this.mailboxes.values()];
    this.mailboxes.clear();
    this.changed.clear();
    await Promise.all(mailboxes.map((mailbox) => mailbox.end()));
  }
}

function countOf(mailbox: HeldMailbox): keyof ShardCounts {
  const mode = mailbox.shown()?.mode ?? null;
  if (mode === null) return 'attaching';
  if (mode === 'sweep') return 'swept';
  return mode === 'lost' || mode === 'refused' ? mode : 'watched';
}
