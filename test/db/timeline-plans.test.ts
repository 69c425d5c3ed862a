import pg from 'pg';

import type { Sql } from '../../src/db/database';
import { findMail } from '../../src/db/find';
import { readMessage } from '../../src/db/messages';
import { readThread } from '../../src/db/messages-thread';
import { summariesOf } from '../../src/db/messages-summary';
import { readsRecord } from '../../src/db/record-readers';
import { noConditions } from '../../src/db/timeline-conditions';
import { levelOf, readTimeline, type Reader } from '../../src/db/timeline-read';
import { allMailRecord, refreshTimelines, timelineDifferences, unassignedRecord } from '../../src/db/timeline-write';
import { messagesOf } from '../../src/db/visibility-mail';
import { newUuid } from '../../src/db/new-id';
import { createTestDatabase, type TestDatabase } from '../support/database';

/*
 * The hottest statements, explained as the application role runs them: in tables that the planner knows, and in tables that an import has just filled,
 * of which it knows nothing. None of them reads a big table from one end to the other, or more of a big record than it shows.
 */

const messages = 6_000;
const member = 3;

let database: TestDatabase;
let tenantId: string;
let reader: Reader;
let record: string;
let some: string[];
let threadId: string;

beforeAll(async () => {
  database = await createTestDatabase();
  tenantId = await database.newTenant();
  record = newUuid();
  const owner = new pg.Client({ connectionString: database.ownerUrl });
  await owner.connect();
  await fill(owner).finally(() => owner.end());
  const rows = await database.db.inTenant(tenantId, (sql) =>
    sql.query<{ id: string; thread_id: string }>('SELECT id, thread_id FROM message ORDER BY sort_at DESC LIMIT 100'),
  );
  some = rows.map(({ id }) => id);
  threadId = rows[0]?.thread_id ?? '';
  const [user] = await database.db.inTenant(tenantId, (sql) => sql.query<{ id: string }>('SELECT id FROM app_user'));
  reader = { tenantId, userId: user?.id ?? '', principal: member, teams: [8, 9] };
});
afterAll(() => database.drop());

/** One record with all the mail, in one mailbox; two thousand others without any. */
async function fill(owner: pg.Client): Promise<void> {
  const run = (text: string, values: unknown[] = []) => owner.query(text, values);
  const source = newUuid();
  const series = `generate_series(1, ${String(messages)}) n`;
  const at = `timestamptz '2020-01-01Z' + n * interval '1 hour'`;
  const id = (kind: string) => `md5('${kind}' || n)::uuid`;
  await run(
    `INSERT INTO app_user (tenant_id, id, principal, role, name) VALUES ($1, $2, ${String(member)}, 'member', 'M')`,
    [tenantId, newUuid()],
  );
  await run(
    `INSERT INTO source (tenant_id, id, kind, address, address_key, policy, desired_state) VALUES ($1, $2, 'mailbox', 'a', 'a', '{}', 'running')`,
    [tenantId, source],
  );
  await run(
    `INSERT INTO record (tenant_id, id, type, name) SELECT $1::uuid, $2::uuid, 'contact', 'Big' UNION ALL SELECT $1::uuid, ${id('record')}, 'contact', 'R' FROM generate_series(1, 2000) n`,
    [tenantId, record],
  );
  await run(`INSERT INTO thread (tenant_id, id) SELECT $1, ${id('thread')} FROM ${series}`, [tenantId]);
  await run(
    `INSERT INTO message (tenant_id, id, message_key, message_id_hash, thread_id, sort_at, participants)
     SELECT $1, ${id('message')}, sha256(n::text::bytea), sha256(n::text::bytea), md5('thread' || n / 3 + 1)::uuid, ${at},
       '{"from": [], "to": [], "cc": [], "sender": [], "replyTo": []}' FROM ${series}`,
    [tenantId],
  );
  await run(
    `INSERT INTO copy (tenant_id, id, source_id, message_id, raw_sha, raw_size, raw_state, visibility, direction, parser_version)
     SELECT $1, ${id('copy')}, $2, ${id('message')}, sha256(n::text::bytea), 1, 'none', 3, 'incoming', 1 FROM ${series}`,
    [tenantId, source],
  );
  await run(
    `INSERT INTO copy_address (tenant_id, address_key, copy_id, role) SELECT $1, 'ada@customer.example', ${id('copy')}, 'from' FROM ${series}`,
    [tenantId],
  );
  await run(
    `INSERT INTO link (tenant_id, id, message_id, record_id) SELECT $1, ${id('link')}, ${id('message')}, $2 FROM ${series}`,
    [tenantId, record],
  );
  await run(
    `INSERT INTO link_reason (tenant_id, link_id, kind, key, actor, record_version) SELECT $1, ${id('link')}, 'address', 'from:ada@customer.example', 'rule', 1 FROM ${series}`,
    [tenantId],
  );
  await run(
    `INSERT INTO timeline (tenant_id, record_id, principal, sort_at, message_id, level)
     SELECT $1, place, p, ${at}, ${id('message')}, 3 FROM ${series}, unnest($2::uuid[]) place, unnest(ARRAY[-1, 0]) p`,
    [tenantId, [record, allMailRecord]],
  );
}

const page = () => ({ ...noConditions, recordId: record, since: null, until: null, show: 'every-message' as const });

const statements: [string, (sql: Sql) => Promise<unknown>][] = [
  ['a page of a record', (sql) => readTimeline(sql, reader, { filter: page(), after: null, limit: 51 })],
  [
    'a page further back',
    (sql) =>
      readTimeline(sql, reader, {
        filter: page(),
        after: { sortAt: new Date('2020-03-01'), messageId: record },
        limit: 51,
      }),
  ],
  [
    'a page of all mail',
    (sql) => readTimeline(sql, reader, { filter: { ...page(), recordId: allMailRecord }, after: null, limit: 51 }),
  ],
  [
    'a page of unassigned mail',
    (sql) => readTimeline(sql, reader, { filter: { ...page(), recordId: unassignedRecord }, after: null, limit: 51 }),
  ],
  [
    'a page that leaves out',
    (sql) =>
      readTimeline(sql, reader, {
        filter: { ...page(), direction: 'incoming', addressKey: 'ada@customer.example', show: 'newest-of-thread' },
        after: null,
        limit: 51,
      }),
  ],
  [
    'what a page shows',
    (sql) =>
      summariesOf(sql, reader, {
        slots: some.map((messageId) => ({ messageId, level: 3 as const })),
        recordId: record,
      }),
  ],
  ['a thread', (sql) => readThread(sql, reader, { threadId, after: null, limit: 51 })],
  ['one message', (sql) => readMessage(sql, reader, some[0] ?? '')],
  ['how far a message may be read', (sql) => levelOf(sql, reader, some[0] ?? '')],
  ['whether a record may be seen', (sql) => readsRecord(sql, reader, record)],
  ['mail by its Message-ID', (sql) => findMail(sql, reader, '<a@b.example>')],
  ['timelines written anew', (sql) => refreshTimelines(sql, tenantId, some)],
  ['timelines compared', (sql) => timelineDifferences(sql, tenantId, some)],
  [
    'the next mail of a record that has other readers',
    (sql) =>
      messagesOf(sql, tenantId, {
        task: { of: 'records', recordIds: [record], after: null, closing: false },
        limit: 100,
      }),
  ],
];

const big =
  /^(timeline|message|message_subject|message_body|copy|copy_address|placement|link|link_reason|record|record_address|thread)$/;

interface PlanNode {
  'Node Type': string;
  'Relation Name'?: string;
  'Actual Rows'?: number;
  'Actual Loops'?: number;
  'Rows Removed by Filter'?: number;
  Plans?: PlanNode[];
}

/** Explains every statement of a piece of work while it runs. */
async function plansOf(work: (sql: Sql) => Promise<unknown>): Promise<PlanNode[]> {
  const plans: PlanNode[] = [];
  await database.db.inTenant(tenantId, async (sql) => {
    // As the connections do that keep plans (docs/decisions/0013): in tables as small as these to read all of one would be no mistake.
    await sql.execute('SET LOCAL enable_seqscan = off');
    const explain = async (text: string, values?: unknown[]) => {
      await sql.execute('SAVEPOINT explained');
      const [row] = await sql.query<{ 'QUERY PLAN': [{ Plan: PlanNode }] }>(
        `EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) ${text}`,
        values,
      );
      await sql.execute('ROLLBACK TO explained');
      if (row !== undefined) plans.push(row['QUERY PLAN'][0].Plan);
    };
    await work({
      client: sql.client,
      query: async (text, values) => {
        await explain(text, values);
        return sql.query(text, values);
      },
      execute: async (text, values) => {
        await explain(text, values);
        return sql.execute(text, values);
      },
    });
  });
  return plans;
}

function nodesOf(plan: PlanNode): PlanNode[] {
  return [plan, ...(plan.Plans ?? []).flatMap(nodesOf)];
}

/** What a plan does that would take longer with every message there is. */
function complaints(plan: PlanNode): string[] {
  return nodesOf(plan).flatMap((node) => {
    const table = node['Relation Name'];
    if (table === undefined || !big.test(table)) return [];
    const read = ((node['Actual Rows'] ?? 0) + (node['Rows Removed by Filter'] ?? 0)) * (node['Actual Loops'] ?? 1);
    return [
      ...(node['Node Type'] === 'Seq Scan' ? [`reads all of ${table}`] : []),
      ...(read > messages / 2 ? [`reads ${String(read)} rows of ${table}`] : []),
    ];
  });
}

describe.each([
  ['without statistics', false],
  ['with statistics', true],
])('%s', (_when, counted) => {
  beforeAll(async () => {
    if (!counted) return;
    const owner = new pg.Client({ connectionString: database.ownerUrl });
    await owner.connect();
    await owner.query('ANALYZE').finally(() => owner.end());
  });

  test.each(statements)('%s reads by keys', async (_what, work) => {
    const plans = await plansOf(work);
    expect(plans.length).toBeGreaterThan(0);
    expect(plans.flatMap(complaints)).toEqual([]);
  });
});
