import { sortAt } from '../../domain/dates';
import type { ParsedMessage } from '../../domain/message';
import type { ReprocessOutcome } from '../../domain/reprocess';
import { StaleFence } from '../../domain/stale-fence';
import type { Database, Sql } from '../database';
import { erasedAmong, hasErasedPeople, type AddressFingerprints } from '../erasures/erased-people';
import { writeOutbox, type OutboxEvent } from '../ingest/outbox-write';
import { nextSeqOf } from '../ingest/source-lock';
import { keyBeside, readAnew, type ReadCopy } from './differences';
import { eraseFound } from './erase-found';
import { lookBeside } from './look-beside';
import type { WriteShare } from './next-share';
import { writeParserVersion } from './parser-version';
import { lockJob, saveTask, type ReprocessRef } from './reprocess-task';
import { setApart } from './set-apart';
import { storedCopies, surroundingsOf } from './stored-copies';
import { writeRead } from './write-read';

/** What became of one copy of a job. */
export interface WriteNote {
  copyId: string;
  outcome: ReprocessOutcome;
  reason: string | null;
}

/** A copy whose bytes were read once more. */
export interface ParsedCopy {
  copyId: string;
  message: ParsedMessage;
}

/** What a share of a job came to, before it is written. */
export interface ShareToWrite {
  source: WriteShare['source'] & { runId?: string | null };
  parsed: ParsedCopy[];
  /** As `Surroundings` has them. */
  tellers: ReadonlyMap<string, string>;
  /** Those of which nothing is written. */
  settled: WriteNote[];
  parserVersion: number;
  fingerprintsOf: AddressFingerprints;
}

/**
 * Writes what a share of copies is read as now, with its events and its notes, in one transaction under the tenant's lock. What differs is
 * looked for again under it: what was deleted meanwhile stays deleted, what somebody else has put right is left alone. Second run: no change.
 * Returns how many copies were changed.
 * @throws StaleFence where the source has a newer wish or is being deleted, or the job was called off; nothing is written then
 */
export async function writeDifferences(db: Database, ref: ReprocessRef, share: ShareToWrite): Promise<number> {
  const { source, parsed } = share;
  return db.writeInTenant(ref.tenantId, async (sql) => {
    const nextSeq = parsed.length === 0 ? 0 : await fenced(sql, source);
    const job = await lockJob(sql, ref);
    if (job === null) throw new StaleFence();
    const messages = new Map(parsed.map(({ copyId, message }) => [copyId, message]));
    const stored = await storedCopies(sql, ref.tenantId, [...messages.keys()]);
    const around = await surroundingsOf(sql, source, { ...share, messages: [...messages.values()] });
    const read = [...messages].flatMap(([copyId, message]) => {
      const copy = stored.get(copyId);
      return copy === undefined ? [] : [readAnew(copy, message, around)];
    });
    const found = await withErasedPeople(sql, share, read);
    const written = onePerKey(read.filter((copy) => copy.fields.length > 0 && !found.has(copy)));
    const freed = freedKeys(written);
    // Its message still has its key, until the copy that it is told from has its turn: then this one gets another.
    const isHidden = ({ stored, ...copy }: ReadCopy) =>
      copy.isApart && copy.messageKey === stored.messageKey && !freed.has(copy.messageKey);
    const changed = written.filter((copy) => !isHidden(copy));
    const erased = new Set([...found].filter((copy) => !isHidden(copy)));
    const hidden = new Set(read.filter(isHidden).map((copy) => copy.stored.copyId));
    await writeRead(sql, ref.tenantId, { changed, threads: around.threads });
    const apart = await setApart(
      sql,
      ref.tenantId,
      [...changed, ...erased].filter((copy) => copy.isApart),
    );
    const copyIds = read.flatMap((copy) =>
      erased.has(copy) || hidden.has(copy.stored.copyId) ? [] : [copy.stored.copyId],
    );
    await writeParserVersion(sql, ref.tenantId, { copyIds, parserVersion: share.parserVersion });
    await writeOutbox(sql, source, { nextSeq, events: eventsOf({ changed, apart }) });
    await eraseFound(sql, ref, { erased: [...erased], apart, runId: source.runId ?? null });
    const notes = [...share.settled, ...parsed.map(({ copyId }) => noteOf(copyId, { stored, changed, erased }))];
    const done = await note(sql, ref, notes);
    await saveTask(sql, ref, { task: job.task, done, more: await lookBeside(sql, ref, changed) });
    return changed.length;
  });
}

/** @throws StaleFence where the source is being deleted too: its fence alone does not tell while it was stopped before */
async function fenced(sql: Sql, source: WriteShare['source']): Promise<number> {
  const nextSeq = await nextSeqOf(sql, source);
  const deleting = await sql.query('SELECT FROM source WHERE tenant_id = $1 AND id = $2 AND deletion_id IS NOT NULL', [
    source.tenantId,
    source.sourceId,
  ]);
  if (deleting.length > 0) throw new StaleFence();
  return nextSeq;
}

/** Two that have become the same by the same reading stay side by side: the first gets the key. */
function onePerKey(read: ReadCopy[]): ReadCopy[] {
  const given = new Set<string>();
  return read.map((copy) => {
    if (copy.isApart || copy.messageKey === copy.stored.messageKey) return copy;
    if (!given.has(copy.messageKey)) {
      given.add(copy.messageKey);
      return copy;
    }
    return { ...copy, messageKey: keyBeside(copy.stored.messageId, copy.messageKey) };
  });
}

/** Keys that a message has until this share is written, because the copy that it is told from was misread. */
function freedKeys(read: ReadCopy[]): Set<string> {
  const retold = read.filter(({ stored, messageKey }) => stored.isTeller && messageKey !== stored.messageKey);
  return new Set(retold.map(({ stored }) => stored.messageKey));
}

/** Copies in which a person who was erased comes to light: they are erased, and not written down. */
async function withErasedPeople(sql: Sql, { source, fingerprintsOf }: ShareToWrite, read: ReadCopy[]) {
  const found = read.filter(({ fields }) => fields.includes('addresses') || fields.includes('participants'));
  if (found.length === 0 || !(await hasErasedPeople(sql, source.tenantId))) return new Set<ReadCopy>();
  const addressKeys = [...new Set(found.flatMap(({ addresses }) => addresses.map(keyOf)))];
  const erased = await erasedAmong(sql, source.tenantId, { addressKeys, fingerprintsOf });
  const isOfErased = (copy: ReadCopy) =>
    copy.addresses.some((address) => {
      const at = erased.get(keyOf(address));
      return at !== undefined && !isLater(copy, at);
    });
  return new Set(found.filter(isOfErased));
}

/** As an erasure has it (people/later-mail.ts): what was here before it, or tells no date, is not later, whatever its date says. */
function isLater({ stored, message, sortAt: shownAt, isApart }: ReadCopy, at: Date): boolean {
  const { internalDates, recordedAt, createdAt } = stored;
  if ((isApart ? recordedAt : createdAt) <= at) return false;
  const ownDate = sortAt(message.sentAt, internalDates.find((date) => date !== null) ?? null);
  return ownDate !== null && (isApart ? ownDate : shownAt) > at;
}

/** Of `role key`. */
function keyOf(address: string): string {
  return address.slice(address.indexOf(' ') + 1);
}

/** One for each message that was changed: what an earlier share told of it says nothing of what this one changes. */
function eventsOf({ changed, apart }: { changed: ReadCopy[]; apart: Map<string, string> }): OutboxEvent[] {
  const copyOf = new Map(changed.map(({ stored }) => [stored.messageId, stored.copyId]));
  for (const { stored, isApart } of changed) {
    const messageId = isApart ? apart.get(stored.copyId) : undefined;
    if (messageId !== undefined) copyOf.set(messageId, stored.copyId);
  }
  return [...copyOf].map(([messageId, copyId]) => ({ type: 'message.updated', ids: { messageId, copyId } }));
}

function noteOf(
  copyId: string,
  { stored, changed, erased }: { stored: Map<string, unknown>; changed: ReadCopy[]; erased: Set<ReadCopy> },
): WriteNote {
  const isOf = (read: ReadCopy) => read.stored.copyId === copyId;
  if (!stored.has(copyId)) return { copyId, outcome: 'gone', reason: null };
  if ([...erased].some(isOf)) return { copyId, outcome: 'gone', reason: 'erased' };
  return { copyId, outcome: changed.some(isOf) ? 'changed' : 'unchanged', reason: null };
}

async function note(sql: Sql, { tenantId, operationId }: ReprocessRef, notes: WriteNote[]): Promise<number> {
  const rows = notes.map(({ copyId, outcome, reason }) => ({ copy_id: copyId, outcome, reason }));
  return sql.execute(
    `UPDATE reprocess_difference d SET outcome = r.outcome, reason = r.reason, done_at = now()
     FROM json_to_recordset($3::json) AS r(copy_id uuid, outcome text, reason text)
     WHERE d.tenant_id = $1 AND d.operation_id = $2 AND d.copy_id = r.copy_id AND d.outcome IS NULL`,
    [tenantId, operationId, JSON.stringify(rows)],
  );
}
