import { attend, leave } from '../../../src/db/watch/idle-workers';
import { readRoster } from '../../../src/db/watch/roster';
import { isStillUnwatched, unwatchedMailboxes } from '../../../src/db/watch/unwatched';
import { removeWatches, writeWatches, type WatchRow } from '../../../src/db/watch/watch-rows';
import { newUuid } from '../../../src/db/new-id';
import { shardOf } from '../../../src/domain/shard';
import { createTestDatabase, type TestDatabase } from '../../support/database';

let database: TestDatabase;
let tenantId: string;

beforeAll(async () => {
  database = await createTestDatabase();
  tenantId = await database.newTenant();
});

afterAll(() => database.drop());

/** A live mailbox whose last round is so many seconds old. */
async function mailbox(secondsAgo = 0, change = ''): Promise<WatchRow> {
  const mailboxId = newUuid();
  const address = `${mailboxId}@corp.example`;
  await database.db.inTenant(tenantId, async (sql) => {
    await sql.execute(
      `INSERT INTO source (tenant_id, id, kind, address, address_key, policy, desired_state)
       VALUES ($1, $2, 'mailbox', $3, $3, '{"refreshSeconds": 300, "folders": {}}', 'running')`,
      [tenantId, mailboxId, address],
    );
    await sql.execute(
      `INSERT INTO mailbox (tenant_id, source_id, imap, auth_type, username, secret, secret_key_id, state, last_success_at)
       VALUES ($1, $2, '{"host": "Mail.Example"}', 'password', 'u', 's', 'k', 'live', now() - $3 * interval '1 second')`,
      [tenantId, mailboxId, secondsAgo],
    );
    if (change !== '') await sql.execute(change, [tenantId, mailboxId]);
  });
  return { tenantId, mailboxId, shard: shardOf(mailboxId), mode: 'notify', lostReason: null };
}

const rowOf = async ({ mailboxId }: WatchRow) => {
  const rows = await database.db.inTenant(tenantId, (sql) =>
    sql.query<{ mode: string; worker: string; since: Date; watched_at: Date | null; lost_reason: string | null }>(
      'SELECT mode, worker, since, watched_at, lost_reason FROM mailbox_watch WHERE source_id = $1',
      [mailboxId],
    ),
  );
  return rows[0] ?? null;
};

test('a second write only moves the time, a change of mode its beginning, a loss keeps when it was last watched', async () => {
  const row = await mailbox();
  await writeWatches(database.db, 'w1', [row]);
  const first = await rowOf(row);
  await writeWatches(database.db, 'w1', [row]);
  const second = await rowOf(row);
  expect(second?.since).toEqual(first?.since);
  expect(second?.watched_at?.getTime()).toBeGreaterThan(first?.watched_at?.getTime() ?? 0);
  await writeWatches(database.db, 'w2', [{ ...row, mode: 'lost', lostReason: 'timed-out' }]);
  const third = await rowOf(row);
  expect(third).toMatchObject({ mode: 'lost', worker: 'w2', lost_reason: 'timed-out', watched_at: second?.watched_at });
  expect(third?.since.getTime()).toBeGreaterThan(first?.since.getTime() ?? 0);
});

test('a mailbox that is no more is left out, the others are written', async () => {
  const row = await mailbox();
  await writeWatches(database.db, 'w1', [{ ...row, mailboxId: newUuid() }, row]);
  expect(await rowOf(row)).toMatchObject({ mode: 'notify' });
});

test('a worker takes away its own rows alone', async () => {
  const row = await mailbox();
  await writeWatches(database.db, 'taker', [row]);
  await removeWatches(database.db, 'former', [row.mailboxId]);
  expect(await rowOf(row)).not.toBeNull();
  await removeWatches(database.db, 'taker', [row.mailboxId]);
  expect(await rowOf(row)).toBeNull();
});

test('what nobody vouches for is to be looked at when its refresh time is over, and nothing else', async () => {
  const due = await mailbox(301);
  const lost = await mailbox(400);
  const [fresh, watched] = [await mailbox(10), await mailbox(400)];
  const backingOff = await mailbox(
    400,
    `UPDATE mailbox SET state = 'backing-off' WHERE tenant_id = $1 AND source_id = $2`,
  );
  const paused = await mailbox(400, `UPDATE source SET desired_state = 'paused' WHERE tenant_id = $1 AND id = $2`);
  await writeWatches(database.db, 'w1', [watched, { ...lost, mode: 'lost', lostReason: 'timed-out' }]);
  const ids = new Set((await unwatchedMailboxes(database.db, 60_000)).map(({ mailboxId }) => mailboxId));
  const isThere = [due, lost, fresh, watched, backingOff, paused].map(({ mailboxId }) => ids.has(mailboxId));
  expect(isThere).toEqual([true, true, false, false, false, false]);
  await new Promise((resolve) => setTimeout(resolve, 20));
  const stale = await unwatchedMailboxes(database.db, 10);
  expect(stale.map(({ mailboxId }) => mailboxId)).toContain(watched.mailboxId);
});

test('the roster has the running mailboxes of these shards, and notices every change that matters', async () => {
  const row = await mailbox();
  const read = async () => {
    const roster = await readRoster(database.db, [row.shard]);
    expect(roster.every(({ shard }) => shard === row.shard)).toBe(true);
    return roster.find(({ mailboxId }) => mailboxId === row.mailboxId);
  };
  const before = await read();
  expect(before).toMatchObject({ host: 'mail.example', state: 'live', refreshSeconds: 300 });
  await database.db.inTenant(tenantId, (sql) =>
    sql.execute(`UPDATE mailbox SET secret = 'other' WHERE source_id = $1`, [row.mailboxId]),
  );
  expect((await read())?.accessVersion).not.toBe(before?.accessVersion);
  expect((await read())?.scopeVersion).toBe(before?.scopeVersion);
  await database.db.inTenant(tenantId, (sql) =>
    sql.execute(`UPDATE source SET policy = '{"refreshSeconds": 60, "folders": {"mode": "all"}}' WHERE id = $1`, [
      row.mailboxId,
    ]),
  );
  expect((await read())?.scopeVersion).not.toBe(before?.scopeVersion);
  await database.db.inTenant(tenantId, (sql) =>
    sql.execute(`UPDATE source SET desired_state = 'stopped' WHERE id = $1`, [row.mailboxId]),
  );
  expect(await read()).toBeUndefined();
  expect(await readRoster(database.db, [])).toEqual([]);
});

test('a mailbox is on the roster from its first success on', async () => {
  const row = await mailbox(0, 'UPDATE mailbox SET last_success_at = NULL WHERE tenant_id = $1 AND source_id = $2');
  const isThere = async () =>
    (await readRoster(database.db, [row.shard])).some(({ mailboxId }) => mailboxId === row.mailboxId);
  expect(await isThere()).toBe(false);
  await database.db.inTenant(tenantId, (sql) =>
    sql.execute('UPDATE mailbox SET last_success_at = now() WHERE source_id = $1', [row.mailboxId]),
  );
  expect(await isThere()).toBe(true);
});

describe('while the first workers since a while attach their mailboxes', () => {
  const isUnwatched = async ({ mailboxId }: WatchRow) =>
    (await unwatchedMailboxes(database.db, 60_000)).some((one) => one.mailboxId === mailboxId);
  /** Each with the seconds since it began, and since it was heard of. */
  const workers = (...rows: [started: number, seen: number][]) =>
    database.db.asWatcher(async (sql) => {
      await sql.execute('DELETE FROM idle_worker');
      for (const [started, seen] of rows) {
        await sql.execute(
          `INSERT INTO idle_worker VALUES ($1, now() - $2 * interval '1 second', now() - $3 * interval '1 second', 1)`,
          [`w${String(started)}`, started, seen],
        );
      }
    });
  let due: WatchRow;
  beforeAll(async () => {
    due = await mailbox(400);
  });
  afterAll(() => workers());

  test('nothing is looked at by the clock', async () => {
    await workers([5, 0]);
    expect(await isUnwatched(due)).toBe(false);
    expect(await isStillUnwatched(database.db, due, 60_000)).toBe(false);
  });

  const others: [string, [number, number][]][] = [
    ['they have had time', [[95, 0]]],
    ['they are dead', [[40, 40]]],
    [
      'another one began before and died',
      [
        [5, 0],
        [300, 60],
      ],
    ],
    ['one has a clock that is an hour ahead', [[-3_600, 0]]],
    ['there is none', []],
  ];
  test.each(others)('it is again when %s', async (_, rows) => {
    await workers(...rows);
    expect(await isUnwatched(due)).toBe(true);
    expect(await isStillUnwatched(database.db, due, 60_000)).toBe(true);
  });
});

test('a mailbox that is watched meanwhile need not be looked at', async () => {
  const due = await mailbox(400);
  expect(await isStillUnwatched(database.db, due, 60_000)).toBe(true);
  await writeWatches(database.db, 'w1', [due]);
  expect(await isStillUnwatched(database.db, due, 60_000)).toBe(false);
});

test('workers are listed oldest first, and are off the list when they leave or are silent', async () => {
  const at = (second: number) => new Date(1_700_000_000_000 + second * 1_000);
  await attend(database.db, { worker: 'young', startedAt: at(2), shards: 0 });
  expect(await attend(database.db, { worker: 'old', startedAt: at(1), shards: 0 })).toEqual(['old', 'young']);
  await leave(database.db, 'old');
  expect(await attend(database.db, { worker: 'young', startedAt: at(2), shards: 3 })).toEqual(['young']);
  await database.db.asWatcher((sql) =>
    sql.execute(`UPDATE idle_worker SET seen_at = seen_at - interval '9 seconds' WHERE worker = 'young'`),
  );
  expect(await attend(database.db, { worker: 'next', startedAt: at(3), shards: 0 })).toEqual(['next']);
});
