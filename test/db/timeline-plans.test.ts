import pg from 'pg';

import type { Sql } from '../../src/db/database';
import { findMail } from '../../src/db/find';
import { readMessage } from '../../src/db/messages';
import { readThread } from '../../src/db/messages-thread';
import { summariesOf } from '../../src/db/messages-summary';
import { readsRecord } from '../../src/db/record-readers';
import { noConditions } from '../../src/db/timeline-conditions';
import {
  levelOf,
  readTimeline,
  type Reader,
  type TimelineFilter,
  type TimelinePlace,
} from '../../src/db/timeline-read';
import { allMailRecord, refreshTimelines, timelineDifferences, unassignedRecord } from '../../src/db/timeline-write';
import { messagesOf } from '../../src/db/visibility-mail';
import { newUuid } from '../../src/db/new-id';
import { createTestDatabase, type TestDatabase } from '../support/database';

/*
 * The hottest statements, explained as the application role runs them: in tables that the planner knows, and in tables that an import has just filled,
 * of which it knows nothing. None of them reads a big table from one end to the other, or more of a big record than it shows.
 */

const messages = 8_000;
const member = 3;
const team = 8;

let database: TestDatabase;
let tenantId: string;
let reader: Reader;
let record: string;
let company: string;
let mailbox: string;
let some: string[];
let threadId: string;

beforeAll(async () => {
  database = await createTestDatabase();
  tenantId = await database.newTenant();
  [record, company, mailbox] = [newUuid(), newUuid(), newUuid()];
  const owner = new pg.Client({ connectionString: database.ownerUrl });
  await owner.connect();
  await fill(owner).finally(() => owner.end());
  const rows = await database.db.inTenant(tenantId, (sql) =>
    sql.query<{ id: string; thread_id: string }>('SELECT id, thread_id FROM message ORDER BY sort_at DESC LIMIT 100'),
  );
  some = rows.map(({ id }) => id);
  threadId = rows[0]?.thread_id ?? '';
  const [user] = await database.db.inTenant(tenantId, (sql) => sql.query<{ id: string }>('SELECT id FROM app_user'));
  reader = { tenantId, userId: user?.id ?? '', principal: member, teams: [team, team + 1] };
});
afterAll(() => database.drop());

/**
 * One record with all the mail, which stands at its company too; two thousand others without any. All of it is read and open, without attachments, has
 * come to the mailbox of the member who asks, and is shown to everybody and to a team of theirs. So some filters leave out all of it.
 */
async function fill(owner: pg.Client): Promise<void> {
  const run = (text: string, values: unknown[] = []) => owner.query(text, values);
  const user = newUuid();
  const series = `generate_series(1, ${String(messages)}) n`;
  const at = `timestamptz '2020-01-01Z' + n * interval '1 hour'`;
  const id = (kind: string) => `md5('${kind}' || n)::uuid`;
  await run(
    `INSERT INTO app_user (tenant_id, id, principal, role, name) VALUES ($1, $2, ${String(member)}, 'member', 'M')`,
    [tenantId, user],
  );
  await run(
    `INSERT INTO source (tenant_id, id, kind, address, address_key, owner_user_id, policy, desired_state) VALUES ($1, $2, 'mailbox', 'a', 'a', $3, '{}', 'running')`,
    [tenantId, mailbox, user],
  );
  await run("INSERT INTO folder (tenant_id, id, source_id, path, in_scope) VALUES ($1, $2, $2, 'INBOX', true)", [
    tenantId,
    mailbox,
  ]);
  await run(
    'INSERT INTO folder_generation (tenant_id, source_id, folder_id, uidvalidity) VALUES ($1, $2, $2, 1) RETURNING id',
    [tenantId, mailbox],
  );
  await run(`INSERT INTO record (tenant_id, id, type, name) VALUES ($1, $2, 'company', 'C')`, [tenantId, company]);
  await run(
    `INSERT INTO record (tenant_id, id, type, name, company_id) SELECT $1::uuid, $2::uuid, 'contact', 'Big', $3::uuid
     UNION ALL SELECT $1::uuid, ${id('record')}, 'contact', 'R', NULL FROM generate_series(1, 2000) n`,
    [tenantId, record, company],
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
    [tenantId, mailbox],
  );
  await run(
    `INSERT INTO placement (tenant_id, gen_id, uid, source_id, copy_id, outcome, flags)
     SELECT $1, (SELECT max(id) FROM folder_generation), n, $2, ${id('copy')}, 2, 1 FROM ${series}`,
    [tenantId, mailbox],
  );
  await run(
    `INSERT INTO activity (tenant_id, id, message_id, type, status, sort_at, rule)
     SELECT $1, ${id('activity')}, md5('message' || 2 * n)::uuid, 'email', 'done', ${at}, '{}' FROM ${series} WHERE n <= ${String(messages / 2)}`,
    [tenantId],
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
     SELECT $1, place, p, ${at}, ${id('message')}, 3 FROM ${series}, unnest($2::uuid[]) place, unnest($3::integer[]) p`,
    [tenantId, [record, company, allMailRecord], [-1, 0, team, member]],
  );
}

const everything = { ...noConditions, since: null, until: null, show: 'every-message' as const };

const pageOf =
  (filter: Partial<TimelineFilter>, after: TimelinePlace | null = null) =>
  (sql: Sql) =>
    readTimeline(sql, reader, { filter: { ...everything, recordId: record, ...filter }, after, limit: 51 });

const back = { sortAt: new Date('2020-03-01'), messageId: allMailRecord };
const months = { since: new Date('2020-02-01'), until: new Date('2020-06-01') };

const statements: [string, (sql: Sql) => Promise<unknown>][] = [
  ['a page of a record', pageOf({})],
  ['a page further back', pageOf({}, back)],
  ['a page of a company', (sql) => pageOf({ recordId: company })(sql)],
  ['a page of all mail', pageOf({ recordId: allMailRecord })],
  ['a page of unassigned mail', pageOf({ recordId: unassignedRecord })],
  ['a page of some months', pageOf(months)],
  ['a page by threads', pageOf({ show: 'newest-of-thread' })],
  ['a page by threads further back', pageOf({ show: 'newest-of-thread' }, back)],
  ['what came in', pageOf({ direction: 'incoming' })],
  ['what went out, where nothing did', pageOf({ direction: 'outgoing' })],
  ['mail between people', pageOf({ type: 'mail' })],
  ['a mark that none has', pageOf({ type: 'bounce' })],
  ['activities', pageOf({ type: 'activity' })],
  ['a person', pageOf({ addressKey: 'ada@customer.example' })],
  ['a person who is nowhere', pageOf({ addressKey: 'nobody@customer.example' })],
  ['a mailbox', (sql) => pageOf({ sourceId: mailbox })(sql)],
  ['attachments, where there are none', pageOf({ attachments: 'with' })],
  ['unread mail, where all is read', pageOf({ seen: 'unread' })],
  ['closed mail, where all is open', pageOf({ status: 'closed' })],
  [
    'all at once',
    (sql) =>
      pageOf({
        ...months,
        direction: 'incoming',
        type: 'mail',
        addressKey: 'ada@customer.example',
        sourceId: mailbox,
        attachments: 'without',
        seen: 'read',
        status: 'open',
        show: 'newest-of-thread',
      })(sql),
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
  /^(timeline|message|message_subject|message_body|copy|copy_address|placement|link|link_reason|record|record_address|thread|activity)$/;

interface PlanNode {
  'Node Type': string;
  'Relation Name'?: string;
  'Actual Rows'?: number;
  'Actual Loops'?: number;
  'Rows Removed by Filter'?: number;
  Plans?: PlanNode[];
}

/** Explains every statement of a piece of work while it runs: as planned for its values, or for whatever values. */
async function plansOf(
  work: (sql: Sql) => Promise<unknown>,
  planned: 'for these values' | 'once',
): Promise<PlanNode[]> {
  const plans: PlanNode[] = [];
  await database.db.inTenant(tenantId, async (sql) => {
    // As the connections do that keep plans (docs/decisions/0013): in tables as small as these to read all of one would be no mistake.
    await sql.execute('SET LOCAL enable_seqscan = off');
    await sql.execute(`SET LOCAL plan_cache_mode = ${planned === 'once' ? 'force_generic_plan' : 'auto'}`);
    const explain = async (text: string, values: unknown[] = []) => {
      if (text.startsWith('SET ')) return;
      await sql.execute('SAVEPOINT explained');
      await sql.execute(`DEALLOCATE ALL; PREPARE explained AS ${text}`);
      const given = values.length === 0 ? '' : `(${values.map(literalOf).join(', ')})`;
      const [row] = await sql.query<{ 'QUERY PLAN': [{ Plan: PlanNode }] }>(
        `EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) EXECUTE explained${given}`,
      );
      await sql.execute('ROLLBACK TO explained');
      if (row !== undefined) plans.push(row['QUERY PLAN'][0].Plan);
    };
    let before: Promise<unknown> = Promise.resolve();
    const inTurn = <Answer>(ask: () => Promise<Answer>): Promise<Answer> => {
      const mine = before.then(ask);
      before = mine;
      return mine;
    };
    await work({
      client: sql.client,
      query: (text, values) => inTurn(() => explain(text, values).then(() => sql.query(text, values))),
      execute: (text, values) => inTurn(() => explain(text, values).then(() => sql.execute(text, values))),
    });
  });
  return plans;
}

/** A value as SQL says it: EXECUTE takes no parameters of its own. */
function literalOf(value: unknown): string {
  if (value === null) return 'NULL';
  if (value instanceof Date) return `'${value.toISOString()}'`;
  if (Buffer.isBuffer(value)) return `'\\x${value.toString('hex')}'`;
  if (Array.isArray(value)) return `'{${value.map(String).join(',')}}'`;
  return pg.escapeLiteral(typeof value === 'string' ? value : JSON.stringify(value));
}

function nodesOf(plan: PlanNode): PlanNode[] {
  return [plan, ...(plan.Plans ?? []).flatMap(nodesOf)];
}

/** What a plan does that would take longer with every message there is. */
function complaints(plan: PlanNode): string[] {
  return nodesOf(plan).flatMap((node) => {
    const table = node['Relation Name'];
    if (table === undefined || !big.test(table)) return [];
    // A look-up that finds nothing is one, too.
    const read =
      Math.max(1, (node['Actual Rows'] ?? 0) + (node['Rows Removed by Filter'] ?? 0)) * (node['Actual Loops'] ?? 1);
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

  test.each(statements)('%s: all is read by keys', async (_what, work) => {
    for (const planned of ['for these values', 'once'] as const) {
      const plans = await plansOf(work, planned);
      expect(plans.length).toBeGreaterThan(0);
      expect([planned, plans.flatMap(complaints)]).toEqual([planned, []]);
    }
  });
});
