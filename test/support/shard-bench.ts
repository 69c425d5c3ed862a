import { setTimeout as sleep } from 'node:timers/promises';

import { createHostPace } from '../../src/activities/host-pace';
import { createGate } from '../../src/domain/gate';
import type { ShardPoke } from '../../src/activities/shard/poker';
import type { Watching } from '../../src/activities/shard/watching';
import { defaultLimits, type Limits } from '../../src/config/limits';
import { reserveConnections } from '../../src/db/watch/host-pace';
import { openWatch } from '../../src/mail/watch/open-watch';
import type { SyncBench } from './sync-bench';

/** A poke that was sent, and when. */
export interface SentPoke {
  mailboxId: string;
  reason: ShardPoke;
  at: number;
}

/** What watching needs, over the bench's database and real mail servers; pokes are written down instead of sent. */
export interface ShardBench {
  watching: Watching;
  pokes: SentPoke[];
  pokesOf(mailboxId: string): ShardPoke[];
  /** How many connections were asked for, each with the milliseconds at which it was. */
  connects: { mailboxId: string; at: number }[];
  rows(): Promise<Record<string, { mode: string; worker: string; lostReason: string | null; age: number | null }>>;
}

export function createShardBench(bench: SyncBench, changes: Partial<Limits> = {}): ShardBench {
  const limits: Limits = { ...defaultLimits, ...changes };
  const { db, secretBox } = bench.context;
  const pokes: SentPoke[] = [];
  const connects: ShardBench['connects'] = [];
  const watching: Watching = {
    db,
    watch: async (mailbox, wish) => {
      await wish.turn();
      connects.push({ mailboxId: mailbox.sourceId, at: Date.now() });
      const { username } = mailbox;
      return openWatch(
        {
          ...mailbox.imap,
          allowInvalidCertificate: true,
          ca: null,
          username,
          password: secretBox.open(mailbox.secret),
        },
        {
          hostRules: { allowedNetworks: ['127.0.0.0/8'] },
          limits: { ...limits, maxBytesPerMinute: limits.watchBytesPerMinute },
          ...wish,
        },
      );
    },
    poke: (mailboxId, reason) => {
      pokes.push({ mailboxId, reason, at: Date.now() });
      return Promise.resolve();
    },
    askTemporal: () => Promise.resolve(),
    warmUp: { warm: () => undefined, end: () => undefined },
    pace: createHostPace({
      reserve: (wanted) => reserveConnections(db, wanted),
      perSecondOf: () => limits.hostConnectsPerSecond,
    }),
    gate: createGate(limits.attachesPerHost),
    limits: { ...limits, connectionKeptMs: 60_000 },
    now: () => performance.now(),
  };
  return {
    watching,
    pokes,
    connects,
    pokesOf: (mailboxId) => pokes.filter((poke) => poke.mailboxId === mailboxId).map((poke) => poke.reason),
    rows: async () => {
      const rows = await db.acrossTenants((sql) =>
        sql.query<{ id: string; mode: string; worker: string; lostReason: string | null; age: number | null }>(
          `SELECT source_id AS id, mode, worker, lost_reason AS "lostReason",
                  extract(epoch FROM now() - watched_at)::double precision AS age FROM mailbox_watch`,
        ),
      );
      return Object.fromEntries(rows.map(({ id, ...row }) => [id, row]));
    },
  };
}

/** Waits for something, for as long as a loaded machine may need. */
export async function until(condition: () => boolean | Promise<boolean>, what = 'it'): Promise<void> {
  for (let tries = 0; tries < 1_200; tries += 1) {
    if (await condition()) return;
    await sleep(50);
  }
  throw new Error(`${what} did not happen within a minute`);
}
