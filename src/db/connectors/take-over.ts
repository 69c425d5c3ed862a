import { normaliseAddress } from '../../domain/address';
import type { ChangesPage, DirectoryChange, DirectoryRecord } from '../../domain/directory';
import { publicId } from '../../domain/ids';
import type { Database, Sql } from '../database';
import { insertAudit } from '../mailbox-write';
import { beginMerge, type MergeBegun } from '../merges/begin-merge';
import { upsertRecords, type BulkLine, type BulkRefusal } from '../records-bulk';
import { queueRematch } from '../records-rematch';
import { deleteRecord, type RecordsChange } from '../records-write';
import { queueRetelling } from '../retelling';
import { lockTenantForWriting } from '../tenant-lock';
import { moveCursor, type ConnectorRef, type PulledPage } from './progress';

/** What became of a page: jobs that are to be started after the commit, or nothing, because somebody else was faster. */
export type Taken =
  | { kind: 'taken'; rematches: string[]; merges: string[] }
  /** A record is just being merged, or linked by a person: the same page is to be taken over later. */
  | { kind: 'waits' }
  | { kind: 'overtaken' };

/**
 * Takes a page of a CRM's changes over, and moves the cursor with it, in one transaction. What cannot be taken over is noted and never keeps
 * the rest from it. `waits` writes nothing. Second run: `overtaken`, no change.
 */
export function takeOver(
  db: Database,
  ref: ConnectorRef,
  { before, page, mergeUndoMs }: { before: string | null; page: ChangesPage; mergeUndoMs: number },
): Promise<Taken> {
  const { tenantId, connectorId } = ref;
  const taking = db.inTenant(tenantId, async (sql): Promise<Taken> => {
    await lockTenantForWriting(sql, tenantId);
    const usable = { ...page, changes: page.changes.filter(hasUsableId) };
    const { refused, change, merges } = await write(sql, { ...ref, mergeUndoMs }, usable);
    const pulled: PulledPage = { before, cursor: page.cursor, refused: [...unusable(page), ...refused] };
    if (!(await moveCursor(sql, ref, pulled))) throw new Overtaken();
    const ids = { connectorId: publicId('connector', connectorId) };
    const entry = { actor: ids.connectorId, action: 'records taken over', ids };
    if (page.changes.length > 0) await insertAudit(sql, tenantId, entry);
    return { kind: 'taken', rematches: await jobsFor(sql, tenantId, change), merges };
  });
  return taking.catch((error: unknown) => {
    if (error instanceof Overtaken) return { kind: 'overtaken' };
    if (error instanceof MustWait) return { kind: 'waits' };
    throw error;
  });
}

/** Takes the transaction back. */
class Overtaken extends Error {}
class MustWait extends Error {}

const longestId = 200;
const longestName = 500;
const longestNumber = 100;

/** What can be no record here. */
function unusable({ changes, unreadable }: ChangesPage): Refused {
  const known = unreadable.map(({ externalId, reason }) => ({
    externalId: externalId === null ? null : plainText(externalId, longestId),
    reasons: [reason],
  }));
  const strange = changes.filter((change) => !hasUsableId(change));
  return [...known, ...strange.map(() => ({ externalId: null, reasons: ['no-external-id'] }))];
}

/** An id that is changed on the way would find another record. */
function hasUsableId(change: DirectoryChange): boolean {
  const { externalId } = change.kind === 'upsert' ? change.record : change;
  return plainText(externalId, longestId) === externalId;
}

type Refused = PulledPage['refused'];

type TakingOver = ConnectorRef & { mergeUndoMs: number };

async function write(
  sql: Sql,
  ref: TakingOver,
  page: ChangesPage,
): Promise<{ refused: Refused; change: RecordsChange; merges: string[] }> {
  const { upserts, ended } = lastOfEach(page);
  const refused: Refused = [];
  const lines = upserts.map((record, index) => lineOf(record, { line: index + 1, refused }));
  const first = await upsertAll(sql, ref, lines);
  // A company that is not here yet keeps nobody's mail away: without it rather than not at all.
  const again = lines.filter(({ line }) => first.missingCompany.has(line));
  const withoutCompany = again.map((line) => ({ ...line, companyExternalId: undefined }));
  const second = await upsertAll(sql, ref, withoutCompany);
  for (const [line, reasons] of [...first.refusals, ...second.refusals]) {
    refused.push({ externalId: lines[line - 1]?.externalId ?? null, reasons });
  }
  const gone = await endRecords(sql, ref, ended);
  const parts = [first.change, second.change, gone.change];
  return {
    refused,
    merges: gone.merges,
    change: {
      changedKeys: [...new Set(parts.flatMap(({ changedKeys }) => changedKeys))],
      retoldIds: [...new Set(parts.flatMap(({ retoldIds }) => retoldIds))],
    },
  };
}

/** The page as if one change came after the other: what a record was before its last change is nobody's business any more. */
function lastOfEach({ changes }: ChangesPage): { upserts: DirectoryRecord[]; ended: Ended[] } {
  const last = new Map<string, number>();
  changes.forEach((change, n) => last.set(keyOf(change.kind === 'upsert' ? change.record : change), n));
  const upserts: DirectoryRecord[] = [];
  const ended: Ended[] = [];
  changes.forEach((change, n) => {
    if (change.kind !== 'upsert') {
      if (last.get(keyOf(change)) === n) ended.push(change);
      return;
    }
    // What says only some fields counts together with those before it.
    const final = changes[last.get(keyOf(change.record)) ?? n];
    if (final?.kind === 'upsert') upserts.push(change.record);
  });
  return { upserts, ended };
}

type Ended = Exclude<DirectoryChange, { kind: 'upsert' }>;

function keyOf({ type, externalId }: { type: string; externalId: string }): string {
  return JSON.stringify([type, externalId]);
}

/** A record as a line of an upload. What is no address, or comes twice, is left out, and told. */
function lineOf(record: DirectoryRecord, { line, refused }: { line: number; refused: Refused }): BulkLine {
  const { type, externalId, name, number, companyExternalId, addresses } = record;
  const read = addresses?.map(({ address, kind }) => ({
    address: address.trim(),
    kind,
    key: normaliseAddress(address),
  }));
  const known = new Map(
    read?.flatMap(({ key, ...rest }) => (key === null ? [] : ([[key, { key, ...rest }]] as const))),
  );
  if (read?.some(({ key }) => key === null) === true) refused.push({ externalId, reasons: ['no-address'] });
  return {
    line,
    type,
    externalId,
    companyExternalId: typeof companyExternalId === 'string' ? plainText(companyExternalId, longestId) : undefined,
    intermediaryExternalId: undefined,
    values: {
      ...(name === undefined ? {} : { name: plainText(name, longestName) }),
      ...(number === undefined ? {} : { number: number === null ? null : plainText(number, longestNumber) }),
      ...(companyExternalId === null ? { companyId: null } : {}),
      ...(read === undefined ? {} : { addresses: [...known.values()] }),
    },
  };
}

/** One line of text that Postgres can store. */
function plainText(text: string, maxCharacters: number): string {
  return text
    .replace(/[\p{Cc}\p{Surrogate}]+/gu, ' ')
    .trim()
    .slice(0, maxCharacters);
}

interface Upserted {
  change: RecordsChange;
  refusals: [line: number, reasons: string[]][];
  /** Lines that only an unknown company stands against. */
  missingCompany: Set<number>;
}

async function upsertAll(sql: Sql, { tenantId, connectorId }: ConnectorRef, lines: BulkLine[]): Promise<Upserted> {
  if (lines.length === 0)
    return { change: { changedKeys: [], retoldIds: [] }, refusals: [], missingCompany: new Set() };
  const result = await upsertRecords(sql, tenantId, { lines, connector: connectorId, memberId: null });
  const isMissing = ({ refusals }: { refusals: BulkRefusal[] }) =>
    refusals.every(({ kind }) => kind === 'no-such-company-external-id');
  return {
    change: result,
    refusals: result.refused.map(({ line, refusals }) => [line, refusals.map(({ kind }) => kind)]),
    missingCompany: new Set(result.refused.filter(isMissing).map(({ line }) => line)),
  };
}

/** Takes records out that the CRM has deleted, and begins to make those a part of others that it has merged. @throws MustWait */
async function endRecords(
  sql: Sql,
  ref: TakingOver,
  ended: Ended[],
): Promise<{ change: RecordsChange; merges: string[] }> {
  const change: RecordsChange = { changedKeys: [], retoldIds: [] };
  const merges: string[] = [];
  const stored = ended.length === 0 ? [] : await storedRecords(sql, ref, ended);
  const into = new Map(stored.map(({ id, intoId }) => [id, intoId]));
  // First what is merged: what it is merged with may be deleted on the same page.
  for (const { id } of stored) {
    const intoId = endOfWay(id, into);
    if (intoId === null || intoId === id) continue;
    const merge = await mergeRecord(sql, ref, { id, intoId });
    merges.push(merge.operationId);
    change.retoldIds.push(...merge.retoldIds);
  }
  for (const { id, intoId } of stored) {
    const deleted = intoId === null ? await deleteRecord(sql, ref.tenantId, id) : null;
    change.changedKeys.push(...(deleted?.changedKeys ?? []));
    change.retoldIds.push(...(deleted?.retoldIds ?? []));
  }
  return { change, merges };
}

/** What a record is a part of in the end, where that was merged too; itself where the CRM goes in a circle. */
function endOfWay(id: string, into: ReadonlyMap<string, string | null>): string | null {
  const way = new Set([id]);
  let end = into.get(id) ?? null;
  for (let next = end; next !== null; next = into.get(next) ?? null) {
    if (way.has(next)) return id;
    way.add(next);
    end = next;
  }
  return end;
}

/** Those of them that are here, and what they became a part of, where that is here too, or is a part of what is. */
function storedRecords(
  sql: Sql,
  { tenantId, connectorId }: ConnectorRef,
  ended: Ended[],
): Promise<{ id: string; intoId: string | null }[]> {
  const into = ended.map((one) => (one.kind === 'merged' ? one.into : null));
  return sql.query(
    `SELECT r.id, i.id AS "intoId" FROM unnest($3::text[], $4::text[], $5::text[]) AS w(type, external_id, into_id)
     JOIN record r ON r.tenant_id = $1 AND r.connector = $2 AND r.type = w.type AND r.external_id = w.external_id AND r.deleted_at IS NULL
     LEFT JOIN LATERAL (
       WITH RECURSIVE way AS (
         SELECT o.id, o.deleted_at, o.merged_into FROM record o WHERE o.tenant_id = $1 AND o.connector = $2 AND o.type = w.type
           AND o.external_id = w.into_id AND (o.deleted_at IS NULL OR o.merged_into IS NOT NULL)
         UNION SELECT n.id, n.deleted_at, n.merged_into FROM way JOIN record n ON n.tenant_id = $1 AND n.id = way.merged_into
       ) SELECT id FROM way WHERE deleted_at IS NULL AND id <> r.id LIMIT 1) i ON true`,
    [tenantId, connectorId, ended.map(({ type }) => type), ended.map(({ externalId }) => externalId), into],
  );
}

async function mergeRecord(
  sql: Sql,
  { tenantId, connectorId, mergeUndoMs }: TakingOver,
  { id, intoId }: { id: string; intoId: string },
): Promise<MergeBegun> {
  const actor = publicId('connector', connectorId);
  const merge = await beginMerge(sql, tenantId, { recordId: id, intoRecordId: intoId, actor, undoMs: mergeUndoMs });
  if (merge.kind === 'begun') return merge;
  if (merge.kind === 'busy') throw new MustWait();
  throw new Error(`records of one type cannot be merged: ${merge.kind}`);
}

async function jobsFor(sql: Sql, tenantId: string, { changedKeys, retoldIds }: RecordsChange): Promise<string[]> {
  const jobs = [
    await queueRematch(sql, tenantId, changedKeys),
    await queueRetelling(sql, tenantId, { recordIds: retoldIds }),
  ];
  return jobs.flatMap((job) => (job === null ? [] : [job.operationId]));
}
