import type { Sql } from '../../database';
import { allMailRecord } from '../../timeline-write';
import type { UserWish } from './ask';

/** What a deletion would do, and does not: rows by what they are. */
export interface CascadePreview {
  goes: Record<string, number>;
  /** What another user is given. */
  reassigned: Record<string, number>;
  stays: { what: string; count: number; why: string }[];
}

type Counts = Record<string, number>;

async function countsOf(sql: Sql, statement: string, values: unknown[]): Promise<Counts> {
  const [row] = await sql.query<Counts>(statement, values);
  if (row === undefined) throw new Error('a count has no row');
  return row;
}

const take = (counts: Counts, names: string[]): Counts =>
  Object.fromEntries(names.map((name) => [name, counts[name] ?? 0]));

/** Counts what erasing a record would delete, and deletes nothing. */
export async function previewRecord(sql: Sql, tenantId: string, recordId: string): Promise<CascadePreview> {
  const counts = await countsOf(
    sql,
    `WITH linked AS MATERIALIZED (SELECT id, message_id, state FROM link WHERE tenant_id = $1 AND record_id = $2)
     SELECT (SELECT count(*) FROM linked WHERE state = 'active') AS links,
       (SELECT count(*) FROM linked WHERE state = 'suppressed') AS "suppressedLinks",
       (SELECT count(*) FROM linked l JOIN link_reason r ON r.tenant_id = $1 AND r.link_id = l.id) AS "linkReasons",
       (SELECT count(*) FROM timeline WHERE tenant_id = $1 AND record_id = $2) AS "timelineEntries",
       (SELECT count(*) FROM record_address WHERE tenant_id = $1 AND record_id = $2) AS addresses,
       (SELECT count(*) FROM activity_note_record n WHERE n.tenant_id = $1 AND n.record_id = $2 AND NOT EXISTS (
          SELECT FROM activity_note_record o WHERE o.tenant_id = $1 AND o.note_id = n.note_id AND o.record_id <> $2)) AS "activityNotes",
       (SELECT count(*) FROM linked) AS messages,
       (SELECT count(*) FROM linked l WHERE l.state = 'active' AND NOT EXISTS (
          SELECT FROM link o WHERE o.tenant_id = $1 AND o.message_id = l.message_id AND o.record_id <> $2 AND o.state = 'active')) AS unassigned,
       (SELECT count(*) FROM record WHERE tenant_id = $1 AND company_id = $2) AS employees`,
    [tenantId, recordId],
  );
  return {
    goes: take(counts, ['links', 'suppressedLinks', 'linkReasons', 'timelineEntries', 'addresses', 'activityNotes']),
    reassigned: {},
    stays: [
      { what: 'messages', count: counts['messages'] ?? 0, why: 'The mail belongs to its mailboxes.' },
      { what: 'unassignedMessages', count: counts['unassigned'] ?? 0, why: 'Of these, no other record has a link.' },
      { what: 'recordsOfCompany', count: counts['employees'] ?? 0, why: 'They stay, without a company.' },
    ],
  };
}

/** What sources hold; $2 is the user whose they are, or null for all. */
const heldBySources = `
  mine AS MATERIALIZED (SELECT id FROM source WHERE tenant_id = $1 AND ($2::uuid IS NULL OR owner_user_id = $2)),
  held AS MATERIALIZED (SELECT id, message_id, blob_id, raw_size FROM copy WHERE tenant_id = $1 AND source_id IN (SELECT id FROM mine)),
  told AS MATERIALIZED (
    SELECT m.message_id, EXISTS (SELECT FROM copy c WHERE c.tenant_id = $1 AND c.message_id = m.message_id
      AND c.source_id NOT IN (SELECT id FROM mine)) AS kept
    FROM (SELECT DISTINCT message_id FROM held) m)`;

const countsOfSources = `
  (SELECT count(*) FROM mine) AS mailboxes,
  (SELECT count(*) FROM folder_generation g JOIN placement p ON p.gen_id = g.id
   WHERE g.tenant_id = $1 AND g.source_id IN (SELECT id FROM mine)) AS "ledgerRows",
  (SELECT count(*) FROM held) AS copies,
  (SELECT count(*) FROM told WHERE NOT kept) AS messages,
  (SELECT count(*) FROM told WHERE kept) AS "messagesKept",
  (SELECT coalesce(sum(raw_size), 0)::bigint FROM held) AS bytes`;

const ofMailboxes = ['mailboxes', 'ledgerRows', 'copies', 'messages', 'bytes'];

/** Counts what deleting a user would delete and give away, and does nothing. */
export async function previewUser(sql: Sql, tenantId: string, wish: UserWish): Promise<CascadePreview> {
  const { userId, reassignTo, mailboxes } = wish;
  const counts = await countsOf(
    sql,
    `WITH ${heldBySources} SELECT ${countsOfSources},
       (SELECT count(*) FROM api_key WHERE tenant_id = $1 AND user_id = $2) AS "apiKeys",
       (SELECT count(*) FROM user_address WHERE tenant_id = $1 AND user_id = $2) AS addresses,
       (SELECT count(*) FROM source_member WHERE tenant_id = $1 AND user_id = $2) AS memberships,
       (SELECT count(*) FROM notice WHERE tenant_id = $1 AND user_id = $2) AS notices,
       (SELECT count(*) FROM record WHERE tenant_id = $1 AND owner_user_id = $2) AS records,
       (SELECT count(*) FROM activity_note WHERE tenant_id = $1 AND owner_user_id = $2) AS "activityNotes",
       (SELECT count(*) FROM timeline t JOIN app_user u ON u.tenant_id = $1 AND u.id = $2
        WHERE t.tenant_id = $1 AND t.principal = u.principal AND t.record_id = $3) AS "readableMessages"`,
    [tenantId, userId, allMailRecord],
  );
  const heir = reassignTo !== null;
  const deletes = mailboxes === 'delete';
  const stays = [
    ...(deletes ? [{ what: 'messages', count: counts['messagesKept'] ?? 0, why: 'Other mailboxes hold them.' }] : []),
    ...(heir ? [] : [{ what: 'records', count: counts['records'] ?? 0, why: 'They stay, without an owner.' }]),
  ];
  return {
    goes: take(counts, [
      'apiKeys',
      'addresses',
      'notices',
      'readableMessages',
      ...(heir ? [] : ['memberships', 'activityNotes']),
      ...(deletes ? ofMailboxes : []),
    ]),
    reassigned: take(counts, [
      ...(heir ? ['memberships', 'records', 'activityNotes'] : []),
      ...(heir && !deletes ? ['mailboxes'] : []),
    ]),
    stays,
  };
}

/** Counts what deleting a tenant would delete, and deletes nothing. */
export async function previewTenant(sql: Sql, tenantId: string): Promise<CascadePreview> {
  const counts = await countsOf(
    sql,
    `WITH ${heldBySources} SELECT ${countsOfSources},
       (SELECT count(*) FROM record WHERE tenant_id = $1) AS records,
       (SELECT count(*) FROM link WHERE tenant_id = $1) AS links,
       (SELECT count(*) FROM activity_note WHERE tenant_id = $1) AS "activityNotes",
       (SELECT count(*) FROM app_user WHERE tenant_id = $1) AS users,
       (SELECT count(*) FROM api_key WHERE tenant_id = $1) AS "apiKeys",
       (SELECT count(*) FROM operation WHERE tenant_id = $1) AS operations,
       (SELECT count(*) FROM audit WHERE tenant_id = $1) AS "auditEntries",
       (SELECT count(*) FROM deletion WHERE tenant_id = $1) AS deletions,
       (SELECT count(*) FROM erasure WHERE tenant_id = $1) AS erasures`,
    [tenantId, null],
  );
  const tables = ['records', 'links', 'activityNotes', 'users', 'apiKeys', 'operations', 'auditEntries', 'deletions'];
  return {
    goes: take(counts, [...ofMailboxes, ...tables]),
    reassigned: {},
    stays: [
      {
        what: 'erasures',
        count: (counts['erasures'] ?? 0) + 1,
        why: 'The journal of erasures, by which a restored backup is brought up to date: ids and fingerprints.',
      },
      { what: 'reports', count: 1, why: 'The report of this deletion, for the operator: ids and numbers.' },
    ],
  };
}
