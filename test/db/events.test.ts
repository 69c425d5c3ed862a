import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { writeWish, type Wished } from '../../src/db/desired-state';
import { recordAuditDone } from '../../src/db/ingest/audit-write';
import { updateMailbox } from '../../src/db/mailbox-write';
import { recordRoundFailure, recordRoundSuccess, recordWishApplied } from '../../src/db/sync/round-write';
import { auditDone } from '../support/audit-done';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { aMailbox, type TestMailbox } from '../support/mail-rows';

let database: TestDatabase;
let mailbox: TestMailbox;
let generation: number;
let alternationsKept: number;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());
beforeEach(async () => {
  mailbox = await aMailbox(database.db, await database.newTenant());
  generation = 1;
  alternationsKept = 20;
});

const fenced = () => ({ ...mailbox, fence: { epoch: 1, generation } });
const ref = () => ({ tenantId: mailbox.tenantId, mailboxId: mailbox.sourceId });

const succeed = () =>
  recordRoundSuccess(database.db, fenced(), {
    roundBegunAt: new Date(),
    recorded: 0,
    filtered: 0,
    parked: 0,
    alternationsKept,
  });

const fail = (code = 'timed-out', state: 'backing-off' | 'auth-required' | 'needs-attention' = 'backing-off') =>
  recordRoundFailure(database.db, fenced(), {
    state,
    kind: 'unreachable',
    code,
    operation: 'LIST',
    retryAfterMs: state === 'auth-required' ? null : 5_000,
    roundBegunAt: null,
    alternationsKept,
  });

async function wish(kind: Wished['kind'], desired: Wished['desired']) {
  const { tenantId, sourceId: mailboxId } = mailbox;
  const written = await database.db.inTenant(tenantId, (sql) =>
    writeWish(sql, tenantId, { mailboxId, kind, desired, actor: 'usr_1' }),
  );
  generation = written.generation;
}

interface EventRow {
  kind: string;
  from_state: string | null;
  to_state: string | null;
  reason: string | null;
  actor: string;
  times: number;
  at: Date;
  first_at: Date;
  until: Date | null;
  last_error: object | null;
}

/** Oldest first. */
function events(): Promise<EventRow[]> {
  return database.db.inTenant(mailbox.tenantId, (sql) =>
    sql.query<EventRow>('SELECT * FROM mailbox_event WHERE source_id = $1 ORDER BY at, id', [mailbox.sourceId]),
  );
}

const told = async () =>
  (await events()).map(({ kind, from_state, to_state, reason }) => [kind, from_state, to_state, reason]);

async function stateSince(): Promise<Date | undefined> {
  const rows = await database.db.inTenant(mailbox.tenantId, (sql) =>
    sql.query<{ state_since: Date }>('SELECT state_since FROM mailbox WHERE source_id = $1', [mailbox.sourceId]),
  );
  return rows[0]?.state_since;
}

test('a mailbox begins its history as it is connected', async () => {
  expect(await told()).toEqual([['state', null, 'connecting', null]]);
});

test('each change of state is one event, with reason, error and until when', async () => {
  await succeed();
  await fail();
  await fail('port-closed');
  await succeed();
  expect((await told()).slice(1)).toEqual([
    ['state', 'connecting', 'live', null],
    ['state', 'live', 'backing-off', 'timed-out'],
    ['state', 'backing-off', 'backing-off', 'port-closed'],
    ['state', 'backing-off', 'live', null],
  ]);
  const failed = (await events())[2];
  expect(failed?.last_error).toEqual({ kind: 'unreachable', code: 'timed-out', operation: 'LIST' });
  expect(failed?.until?.getTime()).toBeGreaterThan(failed?.at.getTime() ?? Infinity);
  expect((await events()).at(-1)?.at).toEqual(await stateSince());
});

test('where nothing changes there is no event', async () => {
  await succeed();
  await succeed();
  await fail();
  await fail();
  expect(await told()).toHaveLength(3);
});

test('what a stale round would write is no event', async () => {
  const stale = fenced();
  await wish('pause', 'paused');
  const before = await told();
  await recordRoundFailure(database.db, stale, {
    state: 'backing-off',
    kind: 'unreachable',
    code: 'timed-out',
    operation: 'LIST',
    retryAfterMs: 5_000,
    roundBegunAt: null,
    alternationsKept,
  });
  expect(await told()).toEqual(before);
});

test('a wish is an event with who wished it, and its carrying out another', async () => {
  await succeed();
  await wish('pause', 'paused');
  await recordWishApplied(database.db, ref());
  await recordWishApplied(database.db, ref());
  const last = (await events()).slice(-2);
  expect(last.map(({ kind, from_state, to_state, actor }) => [kind, from_state, to_state, actor])).toEqual([
    ['wish', 'running', 'paused', 'usr_1'],
    ['state', 'live', 'paused', 'system'],
  ]);
});

test('a new password takes a mailbox out of its waiting, and both are told', async () => {
  await fail('login-refused', 'auth-required');
  const { tenantId, sourceId: mailboxId } = mailbox;
  const imap = { host: 'h.example', port: 993, security: 'tls' as const, allowInvalidCertificate: false, ca: null };
  const secret = { bytes: Buffer.from('s'), keyId: 'k' };
  const access = { imap, provider: 'other', username: 'a', secret };
  await database.db.inTenant(tenantId, (sql) => updateMailbox(sql, tenantId, { mailboxId, access, actor: 'usr_1' }));
  expect((await told()).slice(-2)).toEqual([
    ['access', null, null, null],
    ['state', 'auth-required', 'connecting', null],
  ]);
});

test('a flag that comes and goes is told, once each', async () => {
  const audit = (complete: boolean) => recordAuditDone(database.db, fenced(), auditDone(complete));
  await audit(false);
  await audit(false);
  await audit(true);
  expect((await told()).slice(1)).toEqual([
    ['flag', null, 'incomplete', null],
    ['flag', 'incomplete', null, null],
  ]);
});

describe('a server that flaps', () => {
  test('leaves as many changes one by one as are kept, and those before are counted', async () => {
    alternationsKept = 4;
    await succeed();
    for (let round = 0; round < 25; round += 1) {
      await fail(round % 2 === 0 ? 'timed-out' : 'port-closed');
      await succeed();
    }
    const all = await events();
    // The first is that somebody connected it; 51 changes of state by rounds come after it.
    expect(all.length).toBeLessThanOrEqual(6);
    expect(all.reduce((sum, { times }) => sum + times, 0)).toBe(52);
    const oldest = all[1];
    expect(oldest?.times).toBeGreaterThan(40);
    expect(oldest?.first_at.getTime()).toBeLessThan(oldest?.at.getTime() ?? 0);
    expect(all.at(-1)).toMatchObject({ to_state: 'live', times: 1 });
    expect(all.map(({ at }) => at.getTime())).toEqual(all.map(({ at }) => at.getTime()).sort((a, b) => a - b));
  });

  test('at the limit nothing is folded yet', async () => {
    alternationsKept = 6;
    for (let round = 0; round < 3; round += 1) {
      await fail();
      await succeed();
    }
    const all = await events();
    expect(all).toHaveLength(7);
    expect(all.every(({ times }) => times === 1)).toBe(true);
  });

  test('folds nothing beyond what a person did, or must do', async () => {
    alternationsKept = 2;
    await fail('login-refused', 'auth-required');
    for (let round = 0; round < 5; round += 1) {
      await succeed();
      await fail();
    }
    expect((await told()).slice(0, 2)).toEqual([
      ['state', null, 'connecting', null],
      ['state', 'connecting', 'auth-required', 'login-refused'],
    ]);
  });
});

test('times rise also where the clock steps back', async () => {
  await database.db.inTenant(mailbox.tenantId, (sql) =>
    sql.execute(`UPDATE mailbox_event SET at = at + interval '1 hour' WHERE source_id = $1`, [mailbox.sourceId]),
  );
  await succeed();
  await fail();
  expect((await told()).map(([, , to]) => to)).toEqual(['connecting', 'live', 'backing-off']);
});

test('state and flags of a mailbox are written in one place of the code', () => {
  const root = join(__dirname, '..', '..', 'src');
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter(
    (file) => file.endsWith('.ts') && !file.startsWith('db/generated') && file !== 'db/events/state-write.ts',
  );
  const writesState = /UPDATE mailbox(?: m)?\s+SET[^`';]*\b(?:state|state_reason|flags)\s*=/;
  expect(files.filter((file) => writesState.test(readFileSync(join(root, file), 'utf8')))).toEqual([]);
});
