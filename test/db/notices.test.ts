import { watchHealth } from '../../src/activities/watch-health';
import { defaultLimits } from '../../src/config/limits';
import { writeWish, type Wished } from '../../src/db/desired-state';
import { sweepEvents, sweepNotices } from '../../src/db/events/event-sweep';
import { changeFlag } from '../../src/db/events/state-write';
import { recordAuditDone } from '../../src/db/ingest/audit-write';
import { newUuid } from '../../src/db/new-id';
import { mailboxesToTellOf } from '../../src/db/notices/health';
import { listNotices } from '../../src/db/notices/notice-read';
import { recordRoundFailure, recordRoundSuccess } from '../../src/db/sync/round-write';
import { auditDone } from '../support/audit-done';
import { insertUser } from '../support/api';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { aMailbox, type TestMailbox } from '../support/mail-rows';

let database: TestDatabase;
let tenantId: string;
let anna: string;
let mailbox: TestMailbox;
let generation: number;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());
beforeEach(async () => {
  tenantId = await database.newTenant();
  anna = await insertUser(database.db, tenantId);
  mailbox = await aMailbox(database.db, tenantId, { ownerUserId: anna });
  generation = 1;
});

const alternationsKept = 20;
const fenced = () => ({ ...mailbox, fence: { epoch: 1, generation } });
const succeed = () =>
  recordRoundSuccess(database.db, fenced(), {
    roundBegunAt: new Date(),
    recorded: 0,
    filtered: 0,
    parked: 0,
    alternationsKept,
  });
const fail = (state: 'auth-required' | 'backing-off') =>
  recordRoundFailure(database.db, fenced(), {
    state,
    kind: state === 'auth-required' ? 'credentials' : 'unreachable',
    code: state === 'auth-required' ? 'login-refused' : 'timed-out',
    operation: 'LOGIN',
    retryAfterMs: null,
    roundBegunAt: null,
    alternationsKept,
  });
const audit = (complete: boolean) => recordAuditDone(database.db, fenced(), auditDone(complete));

async function wish(kind: Wished['kind'], desired: Wished['desired']) {
  const wished = { mailboxId: mailbox.sourceId, kind, desired, actor: 'usr_1' };
  generation = (await database.db.inTenant(tenantId, (sql) => writeWish(sql, tenantId, wished))).generation;
}

const look = (noSuccessHours = 6) =>
  watchHealth(
    { db: database.db, limits: { noSuccessHours } },
    { signal: new AbortController().signal, heartbeat: () => undefined },
  );

/** Moves all times of the mailbox so many hours back. */
async function hoursPass(hours: number): Promise<void> {
  const values = [mailbox.sourceId, hours];
  await database.db.inTenant(tenantId, async (sql) => {
    await sql.execute(`UPDATE source SET running_since = running_since - $2 * interval '1 hour' WHERE id = $1`, values);
    await sql.execute(
      `UPDATE mailbox SET last_success_at = last_success_at - $2 * interval '1 hour' WHERE source_id = $1`,
      values,
    );
  });
}

interface NoticeRow {
  user_id: string | null;
  kind: string;
  cleared: boolean;
  read: boolean;
}

const notices = () =>
  database.db.inTenant(tenantId, (sql) =>
    sql.query<NoticeRow>(
      `SELECT user_id, kind, cleared_at IS NOT NULL AS cleared, read_at IS NOT NULL AS read FROM notice
       WHERE source_id = $1 ORDER BY raised_at, id`,
      [mailbox.sourceId],
    ),
  );

const outbox = async () => {
  const rows = await database.db.inTenant(tenantId, (sql) =>
    sql.query<{ type: string; ids: { kind: string; clearedBy?: string }; seq: number }>(
      'SELECT type, ids, seq FROM outbox WHERE stream = $1 ORDER BY seq',
      [mailbox.sourceId],
    ),
  );
  expect(rows.map(({ seq }) => seq)).toEqual(rows.map((_, index) => index + 1));
  return rows.map(({ type, ids }) => [type, ids.kind, ids.clearedBy ?? []].flat().join(' '));
};

/** Newest first. */
const told = () => {
  const filter = { userId: null, mailboxId: mailbox.sourceId, open: null, unread: null };
  return database.db.inTenant(tenantId, (sql) => listNotices(sql, tenantId, { filter, beforeId: null, limit: 10 }));
};

describe('a password that is needed', () => {
  test('is told at once, once, and once when it is well again', async () => {
    await fail('auth-required');
    await fail('auth-required');
    expect(await notices()).toEqual([{ user_id: anna, kind: 'needs-password', cleared: false, read: false }]);
    await succeed();
    await succeed();
    expect(await notices()).toMatchObject([{ cleared: true }]);
    expect(await outbox()).toEqual(['mailbox.notice needs-password', 'mailbox.notice-cleared needs-password well']);
    expect((await look()).told).toBe(0);
  });

  test('is one spell while another wrong password is tried', async () => {
    await fail('auth-required');
    await wish('pause', 'paused');
    await wish('resume', 'running');
    await fail('auth-required');
    expect(await notices()).toHaveLength(1);
  });

  test('is told again in the next spell', async () => {
    await fail('auth-required');
    await succeed();
    await fail('auth-required');
    expect((await notices()).map(({ cleared }) => cleared)).toEqual([true, false]);
  });

  test('is no longer waited for once the mailbox is stopped, and nobody is told that it was accepted', async () => {
    await fail('auth-required');
    await database.db.inTenant(tenantId, (sql) => sql.execute('UPDATE notice SET read_at = now()'));
    await wish('stop', 'stopped');
    // Who stops a mailbox knows, and it is not well again: it is no news to those who have read it.
    expect(await notices()).toMatchObject([{ cleared: true, read: true }]);
    expect((await told()).map(({ clearedBy }) => clearedBy)).toEqual(['stopped']);
    expect(await outbox()).toEqual(['mailbox.notice needs-password', 'mailbox.notice-cleared needs-password stopped']);
  });
});

test('a mailbox that is started again and not well is told of again', async () => {
  await audit(false);
  await wish('stop', 'stopped');
  await wish('start', 'running');
  await look();
  await audit(true);
  expect((await told()).map(({ clearedBy }) => clearedBy)).toEqual(['well', 'stopped']);
});

describe('hours without success', () => {
  test('are told from the limit on, not a moment before', async () => {
    await succeed();
    await fail('backing-off');
    await hoursPass(5.9);
    expect((await look()).told).toBe(0);
    await hoursPass(0.1);
    expect((await look()).told).toBe(1);
    expect((await look()).told).toBe(0);
    expect(await notices()).toMatchObject([{ kind: 'no-success', cleared: false }]);
    await succeed();
    expect(await notices()).toMatchObject([{ kind: 'no-success', cleared: true }]);
    expect(await outbox()).toEqual(['mailbox.notice no-success', 'mailbox.notice-cleared no-success well']);
  });

  test('count from when it was wished to run: not while paused, and anew after it', async () => {
    await succeed();
    await wish('pause', 'paused');
    await hoursPass(20);
    expect((await look()).told).toBe(0);
    await wish('resume', 'running');
    expect((await look()).told).toBe(0);
    await hoursPass(7);
    expect((await look()).told).toBe(1);
  });

  test('are no matter where the mailbox is live and watched, and one where it is not live', async () => {
    await succeed();
    await hoursPass(7);
    await database.db.inTenant(tenantId, (sql) =>
      sql.execute(
        `INSERT INTO mailbox_watch (tenant_id, source_id, shard, mode, worker, since, watched_at) VALUES ($1, $2, 0, 'idle', 'w', now(), now())`,
        [tenantId, mailbox.sourceId],
      ),
    );
    expect((await look()).told).toBe(0);
    await fail('backing-off');
    expect((await look()).told).toBe(1);
  });

  test('are not told beside a password that is needed', async () => {
    await fail('auth-required');
    await hoursPass(9);
    await look();
    expect((await notices()).map(({ kind }) => kind)).toEqual(['needs-password']);
  });
});

describe('a mailbox that is not complete', () => {
  test('is told once, and once when it is complete', async () => {
    await audit(false);
    await audit(false);
    await audit(true);
    expect(await outbox()).toEqual(['mailbox.notice not-complete', 'mailbox.notice-cleared not-complete well']);
  });

  test('is not told while its history is imported, and within the next look when that is done', async () => {
    const insert = `INSERT INTO operation (tenant_id, id, kind, source_id, state) VALUES ($1, $2, 'import', $3, 'running')`;
    await database.db.inTenant(tenantId, (sql) => sql.execute(insert, [tenantId, newUuid(), mailbox.sourceId]));
    await audit(false);
    await look();
    expect(await notices()).toEqual([]);
    await database.db.inTenant(tenantId, (sql) => sql.execute(`UPDATE operation SET state = 'done'`));
    await look();
    expect(await notices()).toMatchObject([{ kind: 'not-complete' }]);
  });
});

test('removals that wait for a person are told once, also while the mailbox is paused, and once when none waits any more', async () => {
  const flag = (to: 'set' | 'clear') =>
    database.db.inTenant(tenantId, (sql) => changeFlag(sql, mailbox, { flag: 'confirm-removal', to }));
  await wish('pause', 'paused');
  await flag('set');
  await flag('set');
  await look();
  expect(await notices()).toMatchObject([{ kind: 'confirm-removal', user_id: anna, cleared: false }]);
  await flag('clear');
  expect(await notices()).toMatchObject([{ kind: 'confirm-removal', cleared: true }]);
  expect(await outbox()).toEqual(['mailbox.notice confirm-removal', 'mailbox.notice-cleared confirm-removal well']);
});

describe('who is told', () => {
  const people = async () => (await notices()).map(({ user_id }) => user_id).sort();

  test('the members where there is no owner', async () => {
    const ben = await insertUser(database.db, tenantId);
    mailbox = await aMailbox(database.db, tenantId, { address: 'team@x.example', memberUserIds: [anna, ben] });
    await fail('auth-required');
    expect(await people()).toEqual([anna, ben].sort());
    expect(await outbox()).toHaveLength(1);
  });

  test('the admins where there is neither', async () => {
    const chief = await insertUser(database.db, tenantId, 'admin');
    mailbox = await aMailbox(database.db, tenantId, { address: 'nobody@x.example' });
    await fail('auth-required');
    expect(await people()).toEqual([chief]);
  });

  test('the tenant where there is nobody, once', async () => {
    mailbox = await aMailbox(database.db, tenantId, { address: 'nobody@x.example' });
    await fail('auth-required');
    await wish('pause', 'paused');
    await wish('resume', 'running');
    await fail('auth-required');
    expect(await people()).toEqual([null]);
  });
});

test('what was read becomes news again when it is well', async () => {
  await fail('auth-required');
  await database.db.inTenant(tenantId, (sql) => sql.execute('UPDATE notice SET read_at = now()'));
  await succeed();
  expect(await notices()).toMatchObject([{ cleared: true, read: false }]);
});

test('one look at ten thousand mailboxes takes some tens of milliseconds', async () => {
  await database.db.inTenant(tenantId, async (sql) => {
    await sql.execute(
      `WITH made AS (INSERT INTO source (tenant_id, id, kind, address, address_key, policy, desired_state, running_since)
         SELECT $1, gen_random_uuid(), 'mailbox', n || '@x.example', n || '@x.example', '{}', 'running', now() - interval '1 day'
         FROM generate_series(1, 10000) n RETURNING tenant_id, id)
       INSERT INTO mailbox (tenant_id, source_id, imap, auth_type, username, secret, secret_key_id, state, last_success_at)
       SELECT tenant_id, id, '{}', 'password', '', '', '', 'live', now() FROM made`,
      [tenantId],
    );
    await sql.execute('UPDATE mailbox SET last_success_at = now()');
  });
  const times: number[] = [];
  for (let n = 0; n < 5; n += 1) {
    const begun = performance.now();
    expect(await mailboxesToTellOf(database.db, 6)).toEqual([]);
    times.push(performance.now() - begun);
  }
  // A loaded machine may take ten times as long; a plan that is not set-based takes a thousand times.
  expect(Math.min(...times)).toBeLessThan(1_000);
});

describe('housekeeping', () => {
  const count = async () =>
    (await database.db.inTenant(tenantId, (sql) => sql.query('SELECT FROM mailbox_event'))).length;

  test('keeps so many events of a mailbox, and the newest whatever its age', async () => {
    await succeed();
    await fail('backing-off');
    await succeed();
    expect(await count()).toBe(4);
    const keptMs = defaultLimits.mailboxEventsKeptMs;
    await sweepEvents(database.db, tenantId, { mailboxEventsKept: 4, mailboxEventsKeptMs: keptMs });
    expect(await count()).toBe(4);
    await sweepEvents(database.db, tenantId, { mailboxEventsKept: 3, mailboxEventsKeptMs: keptMs });
    expect(await count()).toBe(3);
    await sweepEvents(database.db, tenantId, { mailboxEventsKept: 3, mailboxEventsKeptMs: 1 });
    expect(await count()).toBe(1);
  });

  test('forgets notices that were cleared long ago, and none that is open', async () => {
    await audit(false);
    await fail('auth-required');
    await succeed();
    await database.db.inTenant(tenantId, (sql) =>
      sql.execute(
        `UPDATE notice SET cleared_at = cleared_at - interval '2 hours', raised_at = raised_at - interval '9 hours'`,
      ),
    );
    await sweepNotices(database.db, tenantId, 3 * 3_600_000);
    expect(await notices()).toHaveLength(2);
    await sweepNotices(database.db, tenantId, 3_600_000);
    expect(await notices()).toMatchObject([{ kind: 'not-complete', cleared: false }]);
  });
});
