import { rolesOf } from '../../domain/match-headers';
import { matchReasons, mayHaveNumber, type Candidate } from '../../domain/matching';
import type { Policy } from '../../domain/policy';
import { storePacked } from '../blobs/blob-rows';
import type { PackedBlob } from '../blobs/blob-store';
import { workOnBatch } from '../activities/work-on-batch';
import type { Database, Sql } from '../database';
import { hasErasedPeople } from '../erasures/erased-people';
import { countImported } from '../import-track';
import { replaceParkedRows, uidsNotParked } from '../replay/replaced-rows';
import { writeLinks, type MessageReason } from '../link-write';
import { candidatesByAddress } from '../match-candidates';
import { matchingKeys } from '../matching-addresses';
import { linkUseOf, spreadIntoBatch, type LinkUse } from '../thread-links/spread-batch';
import { insertTimelines, refreshTimelines } from '../timeline-write';
import type { Batch, BatchItem, RecordedItem, WrittenBatch } from './batch';
import { copiesMade, takenProviderIds, writeCopies, type MadeCopy } from './copy-write';
import { refuseLeftHistory, refuseRetired } from './current-generation';
import { moveCursor, type ReadSource } from './cursor';
import { withoutErased } from './erased-mail';
import { addressRolesOf, messagesOf, storedMessages, writeMessages, type StoredMessage } from './message-write';
import { writeOutbox, type OutboxEvent } from './outbox-write';
import {
  failuresOf,
  isUndelivered,
  reasonsThatGiveWay,
  writeFailures,
  writePlacements,
  type MadeFailure,
  type PlacedItem,
} from './placement-write';
import { planAudit } from '../sync/plan-audit';
import { nextSeqOf, type FencedSource } from './source-lock';
import { knownThreads, threadsOf, writeThreads } from './thread-write';

/**
 * Writes everything that a batch of placements means, in one short transaction after the bytes are durable, or with them: messages, threads, copies,
 * links, timelines, ledger rows, failures, events and the cursor (product promise B1). All that must be known is asked at once, and all
 * that follows is written at once: the transactions of a mailbox follow one another, and each round trip is paid by all that wait.
 * Second run: no change, because a placement that has its row is left out at the start.
 * @throws StaleFence where the source has a newer wish, MailFailure `cursor-lost` where the generation was retired meanwhile; nothing is
 * written then
 */
export async function recordBatch(
  db: Database,
  source: ReadSource & { policy: Policy },
  batch: Batch,
): Promise<WrittenBatch> {
  return db.writeInTenant(source.tenantId, async (sql) => {
    const known = await whatIsKnown(sql, source, batch);
    const allowed = known.erased ? await withoutErased(sql, source.tenantId, batch) : batch.items;
    const { items, deferred } = leftToWrite(allowed, known);
    const fresh = freshItems(items, known.copies);
    const threads = threadsOf(source, fresh, known);
    const messages = messagesOf(fresh, known.messages);
    const copies = copiesMade(messages, known.providerIds);
    const placed = placedItems(items, known.copies, copies);
    // Of a message that is parked already everybody has been told.
    const failures = batch.part === 'replay' ? [] : failuresOf(items);
    const matches = matchesOf(copies, known.candidates, source.policy);
    const { parser: parserVersion, code: codeVersion } = batch.versions;
    const place = { ...source, genId: batch.genId, parserVersion, codeVersion };
    const events = eventsOf(batch.genId, { copies, failures });
    await Promise.all([
      storePacked(sql, source, bytesOf(copies, placed)),
      writeThreads(sql, source.tenantId, threads),
      writeMessages(sql, source.tenantId, {
        messages,
        threads,
        found: batch.part === 'history' ? 'behind-import' : 'soon',
      }),
      writeCopies(sql, place, copies),
      writeLinks(sql, source.tenantId, matches),
      insertTimelines(sql, source.tenantId, messageIdsOf(copies, 'new')),
      refreshTimelines(sql, source.tenantId, messageIdsOf(copies, 'known')),
      ...writeRows(sql, place, { batch, placed, failures }),
      writeOutbox(sql, source, { nextSeq: known.nextSeq, events }),
      countImported(sql, source, { genId: batch.genId, done: batch.part === 'history' ? items.length : 0 }),
      batch.cursor === null || deferred > 0 ? null : moveCursor(sql, source, { ...batch, snapshot: batch.cursor }),
      copies.length > 0 && isNews(batch) ? noteNewestMessage(sql, source) : null,
      failures.some(isUndelivered) ? planAudit(sql, source, 'in-its-turn') : null,
    ]);
    await spreadIntoBatch(sql, source.tenantId, { messages, known: known.threads, use: known.use });
    await workOnBatch(sql, source, { messages, known });
    return { ...countsOf(placed), deferred };
  });
}

/** What is stored with the rows: of a copy that is known by now, or a row that is there, nothing is. */
function bytesOf(copies: MadeCopy[], placed: PlacedItem[]): PackedBlob[] {
  const parked = placed.flatMap(({ item }) => (item.kind === 'parked' ? [item] : []));
  return [...copies.map(({ item }) => item), ...parked].flatMap(({ bytes }) => bytes ?? []);
}

function writeRows(
  sql: Sql,
  place: Parameters<typeof replaceParkedRows>[1],
  { batch, placed, failures }: { batch: Batch; placed: PlacedItem[]; failures: MadeFailure[] },
): Promise<void>[] {
  if (batch.part === 'replay')
    return [replaceParkedRows(sql, place, { items: placed, operationId: batch.operationId ?? null })];
  return [writePlacements(sql, { ...place, part: batch.part }, placed), writeFailures(sql, place, failures)];
}

/** What the database knows of a batch, before anything of it is written. */
interface Known {
  nextSeq: number;
  /** UIDs that have their row. */
  done: Set<number>;
  /** Address keys of left-out mail that belong to a record by now. */
  matching: Set<string>;
  /** Copies of the source: hex of SHA-256 to id. */
  copies: Map<string, string>;
  messages: Map<string, StoredMessage>;
  /** Threads by the hash of a reference. */
  threads: Map<string, string>;
  providerIds: Set<string>;
  /** Records that addresses of the mail may lead to. */
  candidates: Map<string, Candidate[]>;
  /** People of the tenant were erased: their mail must not come back. */
  erased: boolean;
  use: LinkUse;
}

async function whatIsKnown(sql: Sql, source: FencedSource & { policy: Policy }, batch: Batch): Promise<Known> {
  const { genId, items } = batch;
  const { tenantId, policy } = source;
  const recorded = items.filter(isRecorded);
  const shas = items.flatMap((item) => (isRecorded(item) || item.kind === 'known' ? [item.rawSha] : []));
  const leftOut = [...new Set(items.flatMap((item) => (item.kind === 'filtered' ? item.addressKeys : [])))];
  const [nextSeq, , done, matching, copies, messages, threads, providerIds, candidates, erased, use] =
    await Promise.all([
      nextSeqOf(sql, source),
      refuseWhatEnded(sql, source, batch),
      batch.part === 'replay' ? uidsNotParked(sql, { ...source, genId }, items) : uidsWithRow(sql, batch),
      matchingKeys(sql, tenantId, { addressKeys: leftOut, policy }),
      copiesOf(sql, source, shas),
      storedMessages(sql, tenantId, recorded),
      knownThreads(sql, source, recorded),
      takenProviderIds(sql, source, recorded),
      candidatesByAddress(sql, tenantId, { addressKeys: addressKeysOf(recorded, policy), policy }),
      hasErasedPeople(sql, tenantId),
      linkUseOf(sql, tenantId),
    ]);
  return { nextSeq, done, matching, copies, messages, threads, providerIds, candidates, erased, use };
}

async function refuseWhatEnded(sql: Sql, source: FencedSource, { part, genId }: Batch): Promise<void> {
  if (part === 'replay') return;
  await (part === 'history' ? refuseLeftHistory : refuseRetired)(sql, source, genId);
}

/** The UIDs that have a ledger row which does not give way (placement-write.ts). */
async function uidsWithRow(sql: Sql, { genId, items, part }: Batch): Promise<Set<number>> {
  const rows = await sql.query<{ uid: number }>(
    `SELECT uid FROM placement WHERE gen_id = $1 AND uid = ANY ($2::bigint[])
     AND NOT (outcome = 3 AND reason = ANY ($3::text[]))`,
    [genId, items.map((item) => item.uid), reasonsThatGiveWay(part)],
  );
  return new Set(rows.map((row) => row.uid));
}

/**
 * Mail that matched no record when it was read, and does now, loses its place in the batch: its bytes were not kept. Asked again under
 * the tenant's lock, a record that was made meanwhile cannot be missed. The cursor then waits, and the next round fetches the mail.
 */
function leftToWrite(batch: BatchItem[], { done, matching }: Known): { items: BatchItem[]; deferred: number } {
  const missing = batch.filter((item) => !done.has(item.uid));
  const items = missing.filter(
    (item) => item.kind !== 'filtered' || !item.addressKeys.some((key) => matching.has(key)),
  );
  return { items, deferred: missing.length - items.length };
}

/** Bytes that the source already holds, or that stand twice in the batch, become placements of one copy. */
function freshItems(items: BatchItem[], copies: Map<string, string>): RecordedItem[] {
  const fresh = new Map<string, RecordedItem>();
  for (const item of items.filter(isRecorded)) {
    const sha = item.rawSha.toString('hex');
    if (!copies.has(sha) && !fresh.has(sha)) fresh.set(sha, item);
  }
  return [...fresh.values()];
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

function addressKeysOf(items: RecordedItem[], policy: Policy): string[] {
  const roles = new Set<string>(rolesOf(policy));
  const counted = items.flatMap(({ message }) =>
    addressRolesOf(message).filter(({ role, key }) => roles.has(role) || mayHaveNumber({ role, addressKey: key })),
  );
  return counted.map(({ key }) => key);
}

function matchesOf(copies: MadeCopy[], candidates: Map<string, Candidate[]>, policy: Policy): MessageReason[] {
  return copies.flatMap(({ messageId, item }) => {
    const addresses = addressRolesOf(item.message).map(({ role, key }) => ({ role, addressKey: key }));
    return matchReasons(addresses, candidates, policy).map((reason) => ({ messageId, ...reason }));
  });
}

function messageIdsOf(copies: MadeCopy[], which: 'new' | 'known'): string[] {
  const wanted = copies.filter(({ isNew }) => isNew === (which === 'new'));
  return [...new Set(wanted.map(({ messageId }) => messageId))];
}

function placedItems(items: BatchItem[], known: Map<string, string>, made: MadeCopy[]): PlacedItem[] {
  const copyOf = new Map(made.map((copy) => [copy.item.rawSha.toString('hex'), copy.copyId]));
  return items.map((item) => ({ item, copyId: copyIdOf(item, known, copyOf) }));
}

function copyIdOf(item: BatchItem, known: Map<string, string>, made: Map<string, string>): string | null {
  if (item.kind === 'filtered' || item.kind === 'parked') return null;
  const sha = item.rawSha.toString('hex');
  const copyId = known.get(sha) ?? made.get(sha);
  // A copy that the batch counted on went away with a deletion: the round comes back and fetches the bytes.
  if (copyId === undefined) throw new Error('a copy that was known has gone');
  return copyId;
}

function eventsOf(genId: number, written: { copies: MadeCopy[]; failures: MadeFailure[] }): OutboxEvent[] {
  return [
    ...written.copies.map(({ messageId, copyId, item }): OutboxEvent => {
      return { type: 'message.recorded', ids: { messageId, copyId, genId, uid: item.uid } };
    }),
    ...written.failures.map(({ failureId, item }): OutboxEvent => {
      return { type: 'message.parked', ids: { failureId, genId, uid: item.uid } };
    }),
  ];
}

/** Mail that was there before has not just come. */
function isNews({ part }: Batch): boolean {
  return part === 'live' || part === 'history';
}

async function noteNewestMessage(sql: Sql, source: FencedSource): Promise<void> {
  await sql.execute('UPDATE mailbox SET last_message_at = now() WHERE tenant_id = $1 AND source_id = $2', [
    source.tenantId,
    source.sourceId,
  ]);
}

function countsOf(placed: PlacedItem[]): Omit<WrittenBatch, 'deferred'> {
  const counts = { recorded: 0, filtered: 0, parked: 0 };
  for (const { item } of placed) {
    if (item.kind === 'parked' || item.kind === 'filtered') counts[item.kind] += 1;
    else counts.recorded += 1;
  }
  return counts;
}

function isRecorded(item: BatchItem): item is RecordedItem {
  return item.kind === 'recorded' || item.kind === 'headers-only';
}
