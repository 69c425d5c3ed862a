import type { Policy } from '../../domain/policy';
import type { Database, Sql } from '../database';
import { countImported } from '../import-track';
import { matchAddresses, writeLinks } from '../link-write';
import { matchingKeys } from '../matching-addresses';
import { insertTimelines, refreshTimelines } from '../timeline-write';
import type { Batch, BatchItem, BatchResult, ParkedItem, RecordedItem } from './batch';
import { writeCopies, type WrittenCopy } from './copy-write';
import { moveCursor } from './cursor';
import { addressRolesOf, writeMessages } from './message-write';
import { writeOutbox, type OutboxEvent } from './outbox-write';
import { writeFailures, writePlacements, type PlacedItem } from './placement-write';
import { lockSource, type FencedSource } from './source-lock';

/**
 * Writes everything that a batch of placements means, in one short transaction after the bytes are durable: messages, threads, copies,
 * links, timelines, ledger rows, failures, events and the cursor (product promise B1).
 * Second run: no change, because a placement that has its row is left out at the start.
 * @throws StaleFence where the source has a newer wish; nothing is written then
 */
export async function recordBatch(
  db: Database,
  source: FencedSource & { policy: Policy },
  batch: Batch,
): Promise<BatchResult> {
  return db.inTenant(source.tenantId, async (sql) => {
    const { nextSeq } = await lockSource(sql, source);
    const missing = await withoutLedgerRow(sql, batch);
    const items = await withoutNewlyMatching(sql, source, missing);
    // What matches now has no row yet: the cursor waits, and the next round fetches it.
    const cursor = items.length === missing.length ? batch.cursor : null;
    const { known, fresh } = await sortOutKnownBytes(sql, source, items);

    const parserVersion = batch.versions.parser;
    const messages = await writeMessages(sql, source, fresh);
    const copies = await writeCopies(sql, { ...source, parserVersion }, messages);
    await linkAndShow(sql, source, copies);

    const copyOf = new Map(copies.map((copy) => [copy.item.rawSha.toString('hex'), copy.copyId]));
    const placed = items.map((item) => ({ item, copyId: copyIdOf(item, known, copyOf) }));
    const place = { tenantId: source.tenantId, sourceId: source.sourceId, genId: batch.genId, parserVersion };
    await writePlacements(sql, { ...place, markSeen: source.policy.markSeen }, placed);
    const failures = await writeFailures(sql, place, items.filter(isParked));

    const events = eventsOf(batch.genId, { copies, failures });
    await writeOutbox(sql, source, { nextSeq, events });
    await countImported(sql, source, { genId: batch.genId, done: batch.part === 'history' ? items.length : 0 });
    if (cursor !== null) await moveCursor(sql, batch.genId, cursor);
    if (copies.length > 0) await noteNewestMessage(sql, source);
    return countsOf(placed);
  });
}

/** The items that have no ledger row yet. `filtered: folder-role` does not count: the folder has come into scope. */
async function withoutLedgerRow(sql: Sql, batch: Batch): Promise<BatchItem[]> {
  const rows = await sql.query<{ uid: number }>(
    `SELECT uid FROM placement WHERE gen_id = $1 AND uid = ANY ($2::bigint[])
     AND NOT (outcome = 3 AND reason = 'folder-role')`,
    [batch.genId, batch.items.map((item) => item.uid)],
  );
  const done = new Set(rows.map((row) => row.uid));
  return batch.items.filter((item) => !done.has(item.uid));
}

/**
 * Mail that matched no record when it was read, and does now, loses its place in the batch: its bytes were not kept. Asked again under
 * the tenant's lock, a record that was made meanwhile cannot be missed.
 */
async function withoutNewlyMatching(
  sql: Sql,
  source: FencedSource & { policy: Policy },
  items: BatchItem[],
): Promise<BatchItem[]> {
  const addressKeys = [...new Set(items.flatMap((item) => (item.kind === 'filtered' ? item.addressKeys : [])))];
  const matching = await matchingKeys(sql, source.tenantId, { addressKeys, kinds: source.policy.matchKinds });
  return items.filter((item) => item.kind !== 'filtered' || !item.addressKeys.some((key) => matching.has(key)));
}

/** Bytes that the source already holds, or that stand twice in the batch, become placements of one copy. */
async function sortOutKnownBytes(
  sql: Sql,
  source: FencedSource,
  items: BatchItem[],
): Promise<{ known: Map<string, string>; fresh: RecordedItem[] }> {
  const recorded = items.filter(isRecorded);
  const known = await copiesOf(
    sql,
    source,
    items.flatMap((item) => (isRecorded(item) || item.kind === 'known' ? [item.rawSha] : [])),
  );
  const fresh = new Map<string, RecordedItem>();
  for (const item of recorded) {
    const sha = item.rawSha.toString('hex');
    if (!known.has(sha) && !fresh.has(sha)) fresh.set(sha, item);
  }
  return { known, fresh: [...fresh.values()] };
}

/** The copies that a source holds of these bytes: hex of SHA-256 to copy id. */
export async function copiesOf(
  sql: Sql,
  source: { tenantId: string; sourceId: string },
  shas: Buffer[],
): Promise<Map<string, string>> {
  if (shas.length === 0) return new Map();
  const rows = await sql.query<{ id: string; raw_sha: Buffer }>(
    'SELECT id, raw_sha FROM copy WHERE tenant_id = $1 AND source_id = $2 AND raw_sha = ANY ($3::bytea[])',
    [source.tenantId, source.sourceId, shas],
  );
  return new Map(rows.map((row) => [row.raw_sha.toString('hex'), row.id]));
}

async function linkAndShow(sql: Sql, source: FencedSource & { policy: Policy }, copies: WrittenCopy[]): Promise<void> {
  const addresses = copies.flatMap(({ messageId, item }) =>
    addressRolesOf(item.message).map(({ role, key }) => ({ messageId, role, addressKey: key })),
  );
  const matches = await matchAddresses(sql, source.tenantId, { addresses, policy: source.policy });
  await writeLinks(sql, source.tenantId, matches);
  const messageIds = (isNew: boolean) => [
    ...new Set(copies.filter((copy) => copy.isNew === isNew).map((copy) => copy.messageId)),
  ];
  await insertTimelines(sql, source.tenantId, messageIds(true));
  await refreshTimelines(sql, source.tenantId, messageIds(false));
}

function copyIdOf(item: BatchItem, known: Map<string, string>, made: Map<string, string>): string | null {
  if (item.kind === 'filtered' || item.kind === 'parked') return null;
  const sha = item.rawSha.toString('hex');
  const copyId = known.get(sha) ?? made.get(sha);
  // A copy that the batch counted on went away with a deletion: the round comes back and fetches the bytes.
  if (copyId === undefined) throw new Error('a copy that was known has gone');
  return copyId;
}

function eventsOf(
  genId: number,
  written: { copies: WrittenCopy[]; failures: { failureId: string; uid: number }[] },
): OutboxEvent[] {
  return [
    ...written.copies.map(({ messageId, copyId, item }): OutboxEvent => {
      return { type: 'message.recorded', ids: { messageId, copyId, genId, uid: item.uid } };
    }),
    ...written.failures.map(({ failureId, uid }): OutboxEvent => {
      return { type: 'message.parked', ids: { failureId, genId, uid } };
    }),
  ];
}

async function noteNewestMessage(sql: Sql, source: FencedSource): Promise<void> {
  await sql.execute('UPDATE mailbox SET last_message_at = now() WHERE tenant_id = $1 AND source_id = $2', [
    source.tenantId,
    source.sourceId,
  ]);
}

function countsOf(placed: PlacedItem[]): BatchResult {
  const counts: BatchResult = { recorded: 0, filtered: 0, parked: 0 };
  for (const { item } of placed) {
    if (item.kind === 'parked' || item.kind === 'filtered') counts[item.kind] += 1;
    else counts.recorded += 1;
  }
  return counts;
}

function isParked(item: BatchItem): item is ParkedItem {
  return item.kind === 'parked';
}

function isRecorded(item: BatchItem): item is RecordedItem {
  return item.kind === 'recorded' || item.kind === 'headers-only';
}
