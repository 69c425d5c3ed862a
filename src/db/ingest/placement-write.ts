import { outcomes, reasonsToFetch, type FilterReason } from '../../domain/ledger';
import type { Policy } from '../../domain/policy';
import { pauseBeforeTryMs } from '../../domain/replay';
import type { Sql } from '../database';
import { hexOf, insertRows } from '../insert-rows';
import { newUuid } from '../new-id';
import type { Batch, BatchItem, ParkedItem } from './batch';
import { noteReplies } from './left-out-replies';
import { messageIdHash } from './message-write';

/** An item with what has been written for it. */
export interface PlacedItem {
  item: BatchItem;
  copyId: string | null;
}

interface LedgerPlace {
  tenantId: string;
  sourceId: string;
  genId: number;
  policy: Policy;
  /** As `FencedSource` has it. */
  runId?: string | null;
}

const placementColumns = {
  gen_id: 'bigint',
  uid: 'bigint',
  tenant_id: 'uuid',
  source_id: 'uuid',
  copy_id: 'uuid',
  blob_id: 'uuid',
  outcome: 'smallint',
  reason: 'text',
  raw_sha: 'bytea',
  message_id_hash: 'bytea',
  size: 'bigint',
  internal_date: 'timestamptz',
  flags: 'smallint',
  modseq: 'numeric',
  seen_due: 'boolean',
  labels: 'text[]',
  run_id: 'uuid',
};

/**
 * The reasons of filtered rows that give way to a batch: a folder has come into scope, a message that was removed is shown again, one that was left
 * out answers linked mail by now; and of mail that was left out, where a batch is about just that.
 */
export function reasonsThatGiveWay(part: Batch['part']): FilterReason[] {
  const ofLeftOut: FilterReason[] = ['before-start', 'unmatched', 'no-user', 'no-subject'];
  return [...reasonsToFetch, ...(part === 'left-out' ? ofLeftOut : [])];
}

/** Writes the ledger rows of a batch. Rows whose reason gives way do so; any other row stays as it is. */
export async function writePlacements(
  sql: Sql,
  place: LedgerPlace & { part: Batch['part'] },
  items: PlacedItem[],
): Promise<void> {
  await insertRows(
    sql,
    { table: 'placement', columns: placementColumns, onConflict: replaceRows(place.part) },
    items.map((placed) => placementValues(place, placed)),
  );
  await noteReplies(
    sql,
    place,
    items.map(({ item }) => item),
  );
}

/** The columns of a ledger row. */
export function placementValues(
  place: LedgerPlace,
  { item, copyId }: PlacedItem,
): Record<keyof typeof placementColumns, unknown> {
  return {
    gen_id: place.genId,
    uid: item.uid,
    tenant_id: place.tenantId,
    source_id: place.sourceId,
    copy_id: copyId,
    blob_id: item.kind === 'parked' ? item.blobId : null,
    outcome: outcomes[item.kind === 'known' ? 'recorded' : item.kind],
    reason: reasonOf(item),
    raw_sha: item.kind === 'filtered' || item.rawSha === null ? null : hexOf(item.rawSha),
    message_id_hash: headerHashOf(item),
    size: item.size,
    internal_date: item.internalDate,
    flags: item.flags,
    modseq: item.modseq,
    seen_due: place.policy.markSeen && (item.flags & 1) === 0 && item.kind !== 'parked' && item.kind !== 'filtered',
    labels: item.labels ?? [],
    run_id: place.runId ?? null,
  };
}

const replaceRows = (part: Batch['part']) => `ON CONFLICT (gen_id, uid) DO UPDATE SET
  copy_id = excluded.copy_id, blob_id = excluded.blob_id, outcome = excluded.outcome, reason = excluded.reason,
  raw_sha = excluded.raw_sha, message_id_hash = excluded.message_id_hash, size = excluded.size, internal_date = excluded.internal_date, flags = excluded.flags,
  modseq = excluded.modseq, seen_due = excluded.seen_due, labels = excluded.labels, presence = 1, presence_at = NULL, presence_run_id = NULL,
  recorded_at = now(), run_id = excluded.run_id
  WHERE placement.outcome = 3 AND placement.reason IN (${reasonsThatGiveWay(part)
    .map((reason) => `'${reason}'`)
    .join(', ')})`;

function reasonOf(item: BatchItem): string | null {
  if (item.kind === 'filtered') return item.reason;
  return item.kind === 'parked' ? item.failure.code : null;
}

/** What finds mail that has no copy; the message of a copy has its own. */
function headerHashOf(item: BatchItem): string | null {
  if (item.kind === 'filtered') return hashOrNull(item.messageIdHeader);
  return item.kind === 'parked' ? hashOrNull(item.failure.messageIdHeader) : null;
}

/** The hash of a Message-ID header as `insertRows` takes it. */
export function hashOrNull(messageIdHeader: string | null): string | null {
  return messageIdHeader === null ? null : hexOf(messageIdHash(messageIdHeader));
}

/** A failure that this batch makes: what support lists, inspects and replays. */
export interface MadeFailure {
  failureId: string;
  item: ParkedItem;
}

/** Whether the bytes are nowhere here: the message counts as missing (`parked-side.ts`). */
export function isUndelivered({ item }: MadeFailure): boolean {
  return item.blobId === null;
}

/** A failure for each parked item. */
export function failuresOf(items: BatchItem[]): MadeFailure[] {
  return items.flatMap((item) => (item.kind === 'parked' ? [{ failureId: newUuid(), item }] : []));
}

/** Writes failures; one that is there already stays as it is. */
export async function writeFailures(
  sql: Sql,
  place: { tenantId: string; sourceId: string; genId: number; parserVersion: number; codeVersion: string },
  failures: MadeFailure[],
): Promise<void> {
  await insertRows(
    sql,
    { table: 'failure', columns: failureColumns, onConflict: 'ON CONFLICT (gen_id, uid) DO NOTHING' },
    failures.map(({ item, failureId }) => ({
      tenant_id: place.tenantId,
      id: failureId,
      source_id: place.sourceId,
      gen_id: place.genId,
      uid: item.uid,
      kind: item.failure.kind,
      code: item.failure.code,
      detail: item.failure.detail,
      versions: { parser: place.parserVersion, code: place.codeVersion },
      message_id_hash: headerHashOf(item),
      provider_id: item.provider?.id ?? null,
      provider_thread_id: item.provider?.threadId ?? null,
      // What a server does not deliver it is asked for again by and by (domain/replay.ts).
      next_try_at: item.blobId === null ? new Date(Date.now() + (pauseBeforeTryMs(1) ?? 0)) : null,
    })),
  );
}

const failureColumns = {
  tenant_id: 'uuid',
  id: 'uuid',
  source_id: 'uuid',
  gen_id: 'bigint',
  uid: 'bigint',
  kind: 'text',
  code: 'text',
  detail: 'jsonb',
  versions: 'jsonb',
  message_id_hash: 'bytea',
  provider_id: 'text',
  provider_thread_id: 'text',
  next_try_at: 'timestamptz',
};
