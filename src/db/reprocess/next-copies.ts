import type { PartDescriptor } from '../../domain/message';
import type { Sql } from '../database';
import { tellerFirst } from '../teller';
import { saveTask, type ReprocessJob, type ReprocessPosition, type ReprocessRef } from './reprocess-task';

/** A copy with bytes, to be read again. */
export interface CopyToRead {
  copyId: string;
  messageId: string;
  blobId: string;
  /** Of the bytes as fetched. */
  rawSha: Buffer;
  size: number;
  rawState: 'full' | 'reduced';
  /** Of reduced bytes: what stands in them for what was not kept. */
  keptParts: PartDescriptor[] | null;
}

/** The copies that a job looks at next, all of one source. */
export interface LookShare {
  kind: 'look';
  job: ReprocessJob;
  copies: CopyToRead[];
  /** Copies that are meant and have no bytes: by their header alone they are what they are. */
  withoutBytes: number;
  /** Where the next share begins. */
  next: ReprocessPosition;
  /** The one copy of this share has ended several workers, and is not read. */
  isGivenUp: boolean;
}

export interface ShareLimits {
  messages: number;
  bytes: number;
  /** How often a copy is tried that ends its worker. */
  tries: number;
}

interface CopyRow {
  copyId: string;
  messageId: string;
  blobId: string | null;
  rawSha: Buffer;
  size: number;
  rawState: 'full' | 'reduced' | 'none';
  keptParts: PartDescriptor[] | null;
  isMeant: boolean;
}

const rowsPerScan = 1_000;
/** A narrow scope has long stretches without a copy: so many scans, and the job is saved where it stands. */
const scansPerShare = 20;

/**
 * The next copies of a job, in the order of (source, SHA-256), which is an index; null where none is left. The share is begun with when this
 * is committed: if nobody notes it, its copies are taken one by one the next time. Sources that are being deleted are passed over.
 */
export async function nextCopies(
  sql: Sql,
  ref: ReprocessRef,
  { job, limits }: { job: ReprocessJob; limits: ShareLimits },
): Promise<LookShare | null> {
  const { task } = job;
  const wasLeft = task.taken > 0;
  const tries = wasLeft ? task.tries + 1 : 0;
  const alone = wasLeft ? Math.max(task.alone, task.taken) : task.alone;
  const most = alone > 0 ? 1 : limits.messages;
  const found = await scan(sql, ref, { job, limits: { ...limits, messages: most } });
  if (found === null) return null;
  await saveTask(sql, ref, { task: { ...task, taken: found.copies.length, tries, alone } });
  const isGivenUp = tries >= limits.tries && found.copies.length === 1;
  return { kind: 'look', job, ...found, isGivenUp };
}

type Found = Pick<LookShare, 'copies' | 'withoutBytes' | 'next'>;

async function scan(
  sql: Sql,
  ref: ReprocessRef,
  { job, limits }: { job: ReprocessJob; limits: ShareLimits },
): Promise<Found | null> {
  let at = job.task.at;
  let withoutBytes = 0;
  for (let scans = 0; scans < scansPerShare; scans += 1) {
    const source = await sourceAfter(sql, ref, { job, at });
    if (source === null) break;
    const rows = await copiesAfter(sql, ref, { job, at: source });
    const share = shareOf(rows, { sourceId: source.sourceId, limits });
    withoutBytes += share.withoutBytes;
    at = share.next;
    if (share.copies.length > 0) return { ...share, withoutBytes };
  }
  return at === null || at === job.task.at ? null : { copies: [], withoutBytes, next: at };
}

/** Where to look: on in the source, or from the beginning of the next. */
async function sourceAfter(
  sql: Sql,
  { tenantId }: ReprocessRef,
  { job, at }: { job: ReprocessJob; at: ReprocessPosition | null },
): Promise<ReprocessPosition | null> {
  const [row] = await sql.query<{ id: string }>(
    `SELECT id FROM source WHERE tenant_id = $1 AND deleted_at IS NULL AND deletion_id IS NULL AND ($2::uuid IS NULL OR id = $2)
       AND ($3::uuid IS NULL OR id > $3 OR (id = $3 AND $4)) ORDER BY id LIMIT 1`,
    [tenantId, job.mailboxId, at?.sourceId ?? null, at !== null && at.after !== 'end'],
  );
  if (row === undefined) return null;
  return { sourceId: row.id, after: row.id === at?.sourceId ? at.after : '' };
}

/** The copies that a job means, of a message `m` and a copy `c`: $3 to $5 as `meaningOf` gives them. */
const isMeant = `($3::integer IS NULL OR c.parser_version < $3) AND ($4::timestamptz IS NULL OR m.sort_at >= $4)
  AND ($5::timestamptz IS NULL OR m.sort_at < $5)`;

function meaningOf({ task: { parserVersionBelow, from, to } }: ReprocessJob): unknown[] {
  return [parserVersionBelow, from, to];
}

function copiesAfter(
  sql: Sql,
  { tenantId }: ReprocessRef,
  { job, at }: { job: ReprocessJob; at: ReprocessPosition },
): Promise<CopyRow[]> {
  return sql.query<CopyRow>(
    `SELECT c.id AS "copyId", c.message_id AS "messageId", c.blob_id AS "blobId", c.raw_sha AS "rawSha", c.raw_size AS size,
       c.raw_state AS "rawState", ${isMeant} AS "isMeant", ${keptPartsSql} AS "keptParts"
     FROM (SELECT * FROM copy WHERE tenant_id = $1 AND source_id = $2 AND raw_sha > $6 ORDER BY raw_sha LIMIT ${String(rowsPerScan)}) c
     JOIN message m ON m.tenant_id = $1 AND m.id = c.message_id ORDER BY c.raw_sha`,
    [tenantId, at.sourceId, ...meaningOf(job), Buffer.from(at.after, 'hex')],
  );
}

/** Of a copy `c`. */
export const keptPartsSql = `CASE WHEN c.raw_state = 'reduced' THEN
  (SELECT parts FROM copy_structure WHERE tenant_id = $1 AND copy_id = c.id) END`;

function shareOf(rows: CopyRow[], { sourceId, limits }: { sourceId: string; limits: ShareLimits }): Found {
  const copies: CopyToRead[] = [];
  let [bytes, withoutBytes, last] = [0, 0, ''];
  for (const row of rows) {
    const { isMeant: meant, blobId, rawState, ...copy } = row;
    const hasBytes = blobId !== null && rawState !== 'none';
    if (meant && hasBytes) {
      bytes += copy.size;
      const isFull = copies.length >= limits.messages || (copies.length > 0 && bytes > limits.bytes);
      if (isFull) return { copies, withoutBytes, next: { sourceId, after: last } };
      copies.push({ ...copy, blobId, rawState });
    } else if (meant) withoutBytes += 1;
    last = row.rawSha.toString('hex');
  }
  return { copies, withoutBytes, next: { sourceId, after: rows.length < rowsPerScan ? 'end' : last } };
}

/** How many copies a job means; null where counting them would take as long as a good part of the job: a span of all mailboxes. */
export async function countCopies(sql: Sql, { tenantId }: ReprocessRef, job: ReprocessJob): Promise<number | null> {
  const { from, to } = job.task;
  if (job.mailboxId === null && (from !== null || to !== null)) return null;
  const message = from === null && to === null ? 'CROSS JOIN (SELECT NULL::timestamptz AS sort_at) m' : joinMessage;
  const [row] = await sql.query<{ count: number }>(
    `SELECT count(*) AS count FROM copy c ${message} WHERE c.tenant_id = $1 AND ($2::uuid IS NULL OR c.source_id = $2) AND ${isMeant}`,
    [tenantId, job.mailboxId, ...meaningOf(job)],
  );
  return row?.count ?? 0;
}

/**
 * The copies that messages are told from, where another copy of the message, as it was read now, has another key than the message, or where
 * they have one themselves, as they were read by this job: they tell whether the two are still one. `read`: copies with their keys (hex).
 */
export function tellersInDoubt(
  sql: Sql,
  { tenantId, operationId }: ReprocessRef,
  read: { copyId: string; messageKey: string }[],
): Promise<CopyToRead[]> {
  return sql.query<CopyToRead>(
    `SELECT DISTINCT t.id AS "copyId", t.message_id AS "messageId", t.blob_id AS "blobId", t.raw_sha AS "rawSha", t.raw_size AS size,
       t.raw_state AS "rawState", NULL AS "keptParts"
     FROM unnest($2::uuid[], $3::bytea[]) AS read(id, key)
     CROSS JOIN LATERAL (SELECT message_id FROM copy WHERE tenant_id = $1 AND id = read.id AND raw_state = 'full' OFFSET 0) c
     CROSS JOIN LATERAL (SELECT message_key FROM message WHERE tenant_id = $1 AND id = c.message_id OFFSET 0) m
     CROSS JOIN LATERAL (SELECT * FROM copy WHERE tenant_id = $1 AND message_id = c.message_id ORDER BY ${tellerFirst} LIMIT 1) t
     WHERE t.id <> read.id AND t.blob_id IS NOT NULL AND t.raw_state = 'full' AND (m.message_key <> read.key
       OR EXISTS (SELECT FROM unnest($2::uuid[], $3::bytea[]) AS other(id, key) WHERE other.id = t.id AND other.key <> m.message_key)
       OR EXISTS (SELECT FROM reprocess_difference d WHERE d.operation_id = $4 AND d.copy_id = t.id AND 'identity' = ANY (d.fields)))`,
    [
      tenantId,
      read.map(({ copyId }) => copyId),
      read.map(({ messageKey }) => Buffer.from(messageKey, 'hex')),
      operationId,
    ],
  );
}

const joinMessage = 'JOIN message m ON m.tenant_id = c.tenant_id AND m.id = c.message_id';
