import { newUuid } from '../../src/db/new-id';
import { recordRoundFailure, recordRoundSuccess, recordWishApplied } from '../../src/db/sync/round-write';
import { recordStopped } from '../../src/db/sync/stop-write';
import { nothingToStop } from '../../src/domain/stop';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { aMailbox, type TestMailbox } from '../support/mail-rows';

let database: TestDatabase;
let mailbox: TestMailbox;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());
beforeEach(async () => {
  mailbox = await aMailbox(database.db, await database.newTenant());
});

const begun = new Date('2026-03-02T10:00:00.000Z');
const before = '2026-03-02T09:59:59.999Z';
const after = '2026-03-02T10:00:00.001Z';
const counts = { recorded: 3, filtered: 1, parked: 0 };
const alternationsKept = 20;
const lost = {
  state: 'backing-off',
  kind: 'unreachable',
  code: 'timed-out',
  operation: 'LIST',
  retryAfterMs: 5_000,
  alternationsKept: 20,
} as const;

function fenced(generation = 1) {
  return { ...mailbox, fence: { epoch: 1, generation } };
}

/** An operation of the mailbox that waits. */
function asked(createdAt: string, values: { kind?: string; state?: string } = {}): Promise<number> {
  return database.db.inTenant(mailbox.tenantId, (sql) =>
    sql.execute(
      `INSERT INTO operation (tenant_id, id, kind, source_id, state, created_at) VALUES ($1, $2, $3, $4, $5, $6)`,
      [mailbox.tenantId, newUuid(), values.kind ?? 'sync', mailbox.sourceId, values.state ?? 'waiting', createdAt],
    ),
  );
}

function operations() {
  return database.db.inTenant(mailbox.tenantId, (sql) =>
    sql.query<{ state: string; result: unknown; error: unknown; ended: boolean }>(
      `SELECT state, result, error, finished_at IS NOT NULL AS ended FROM operation WHERE source_id = $1 AND kind <> 'start'
       ORDER BY created_at`,
      [mailbox.sourceId],
    ),
  );
}

const waiting = { state: 'waiting', result: null, error: null, ended: false };

describe('a sync that was asked for before the round began', () => {
  test('is done with the round, with its counts; one that was asked for later waits for the next', async () => {
    await asked(before);
    await asked(after);
    await recordRoundSuccess(database.db, fenced(), { roundBegunAt: begun, ...counts, alternationsKept });
    expect(await operations()).toEqual([{ state: 'done', result: counts, error: null, ended: true }, waiting]);
  });

  test('has failed with the round, with its kind and code', async () => {
    await asked(before);
    await asked(after);
    await recordRoundFailure(database.db, fenced(), { ...lost, roundBegunAt: begun });
    const error = { kind: 'unreachable', code: 'timed-out' };
    expect(await operations()).toEqual([{ state: 'failed', result: null, error, ended: true }, waiting]);
  });

  test('waits on where something else than a round has failed, or a round of an older wish ended', async () => {
    await asked(before);
    await recordRoundFailure(database.db, fenced(), { ...lost, roundBegunAt: null });
    await recordRoundFailure(database.db, fenced(7), { ...lost, roundBegunAt: begun });
    await recordRoundSuccess(database.db, fenced(7), { roundBegunAt: begun, ...counts, alternationsKept });
    expect(await operations()).toEqual([waiting]);
  });

  test('keeps the end that it has', async () => {
    await asked(before);
    await recordRoundSuccess(database.db, fenced(), { roundBegunAt: begun, ...counts, alternationsKept });
    const ended = await operations();
    await recordRoundFailure(database.db, fenced(), { ...lost, roundBegunAt: begun });
    expect(await operations()).toEqual(ended);
  });

  test.each(['paused', 'stopped'])('has failed where the mailbox is %s before there is a round', async (desired) => {
    await asked(before);
    await database.db.inTenant(mailbox.tenantId, (sql) =>
      sql.execute('UPDATE source SET desired_state = $2 WHERE id = $1', [mailbox.sourceId, desired]),
    );
    const ref = { tenantId: mailbox.tenantId, mailboxId: mailbox.sourceId };
    await recordWishApplied(database.db, ref);
    if (desired === 'stopped') await recordStopped(database.db, ref, nothingToStop);
    expect(await operations()).toEqual([{ state: 'failed', result: null, error: { code: desired }, ended: true }]);
  });
});

test('a round ends nothing but what was asked for as a sync, of its mailbox', async () => {
  const other = mailbox;
  await asked(before);
  mailbox = await aMailbox(database.db, mailbox.tenantId);
  await asked(before, { kind: 'import', state: 'running' });
  await asked(before, { kind: 'audit' });
  await recordRoundSuccess(database.db, fenced(), { roundBegunAt: begun, ...counts, alternationsKept });
  expect((await operations()).map(({ state }) => state).sort()).toEqual(['running', 'waiting']);
  mailbox = other;
  expect(await operations()).toEqual([waiting]);
});
