import { outcomeName } from '../../domain/ledger';
import type { Database, Sql } from '../database';
import { changeFlag } from '../events/state-write';
import { countTowardsImport } from '../import-track';
import { addFindings, dropUncompared, uidsShown, writeFindings, type AuditCause, type Finding } from './audit-findings';
import { lockSourceAlone, type FencedSource } from './source-lock';

/** What a comparison of one folder with its server came to. */
export interface FolderAudit {
  folderId: string;
  /** null: never listed. */
  genId: number | null;
  /** `nothing`: the folder could not be looked at, and what was found before stands. */
  seen?: 'nothing';
  verdict: 'complete' | 'missing' | 'not-provable';
  reason: string | null;
  serverCount: number | null;
  /** null: not measured this time. */
  serverBytes: number | null;
  /** On the server, and without a row; or the row under that UID is another message's. */
  missing: number[];
  /** How many of them have no row. */
  unrecorded: number;
  /** Live in the ledger, and not on the server. */
  extra: number[];
  /** On the server, and ended in the ledger. */
  ended: number[];
  /** Parked without bytes, and accepted by nobody: the server lists them and does not deliver them. */
  undelivered: number[];
  /** Failures that a person has accepted: they count as accounted for. */
  accepted: number;
  /** The listing alone does not show all of the folder: what is missing is left to the import, which looks for it in other ways too. */
  inParts: boolean;
  /** How many messages were compared with who they were, and how far the rotation is; null: none could be. */
  identities: { compared: number; to: number; isEnd: boolean } | null;
}

/**
 * Writes the comparison of a folder and its differences, with the ledger's side counted in the same transaction. A folder with differences
 * is looked at by the next round whatever its cursor says. Second run: writes the newer comparison.
 * @throws StaleFence where the mailbox has a newer wish
 */
export async function recordAudit(
  db: Database,
  source: FencedSource,
  audit: FolderAudit & { cause: AuditCause },
): Promise<void> {
  await db.inTenant(source.tenantId, async (sql) => {
    await lockSourceAlone(sql, source);
    // Not only at the end: what breaks off before it leaves a mailbox that does not look healthy.
    if (audit.verdict !== 'complete') await changeFlag(sql, source, { flag: 'incomplete', to: 'set' });
    if (audit.seen === 'nothing') return noteUnseen(sql, source, audit);
    await sql.execute(upsert, await rowOf(sql, source, audit));
    const { missing, extra, ended } = audit;
    const lookedForByImport = audit.inParts ? audit.unrecorded : 0;
    const differs = missing.length - lookedForByImport + extra.length + ended.length > 0;
    if (audit.inParts) await leaveToImport(sql, source, audit);
    await writeFindings(sql, { ...source, folderId: audit.folderId, cause: audit.cause }, findingsOf(audit));
    // The last moment: a round that begins later must see the mark (cursor.ts).
    await sql.execute(
      `UPDATE folder_generation SET audited_at = clock_timestamp(), proven_at = CASE WHEN $2 THEN now() ELSE proven_at END,
         listed_at = CASE WHEN $3 THEN NULL ELSE listed_at END, in_parts = $4, identity_uid = coalesce($5, identity_uid) WHERE id = $1`,
      [audit.genId, audit.verdict === 'complete', differs, audit.inParts, audit.identities?.to ?? null],
    );
  });
}

/** That nobody could look heals nothing, and is no news of what was missing. */
async function noteUnseen(sql: Sql, source: FencedSource, audit: FolderAudit & { cause: AuditCause }): Promise<void> {
  const { folderId, genId, cause, verdict, reason } = audit;
  const { tenantId, sourceId } = source;
  const { counts, bytes } = await ledgerSide(sql, genId);
  await sql.execute(
    `INSERT INTO folder_audit (tenant_id, source_id, folder_id, verdict, reason, ledger_counts, ledger_bytes, checked_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, now())
     ON CONFLICT (tenant_id, folder_id) DO UPDATE SET verdict = excluded.verdict, reason = excluded.reason,
       ledger_counts = excluded.ledger_counts, ledger_bytes = excluded.ledger_bytes, checked_at = excluded.checked_at`,
    [tenantId, sourceId, folderId, verdict, reason, JSON.stringify(counts), bytes],
  );
  await addFindings(sql, { ...source, folderId, cause }, findingsOf(audit));
}

/** What other ways have shown is history that the listing hid. */
async function leaveToImport(sql: Sql, source: FencedSource, { genId, unrecorded }: FolderAudit): Promise<void> {
  if (genId === null || unrecorded === 0) return;
  const left = await sql.execute(
    `UPDATE folder_generation SET history_below = greatest(history_below, uidnext::bigint), history_total = $2,
       history_done_at = NULL WHERE id = $1 AND retired_at IS NULL AND uidnext IS NOT NULL AND history_done_at IS NOT NULL`,
    [genId, unrecorded],
  );
  if (left > 0) await countTowardsImport(sql, source, unrecorded);
}

const upsert = `
INSERT INTO folder_audit (tenant_id, source_id, folder_id, verdict, reason, server_count, server_bytes, ledger_counts, ledger_bytes,
  missing, missing_count, extra, extra_count, ended, ended_count, undelivered_count, accepted_count, identities_compared,
  identities_whole_at, checked_at, proven_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, CASE WHEN $19 THEN now() END, now(),
  CASE WHEN $4 = 'complete' THEN now() END)
ON CONFLICT (tenant_id, folder_id) DO UPDATE SET verdict = excluded.verdict, reason = excluded.reason,
  server_count = excluded.server_count, server_bytes = coalesce(excluded.server_bytes, folder_audit.server_bytes),
  ledger_counts = excluded.ledger_counts, ledger_bytes = excluded.ledger_bytes, missing = excluded.missing,
  missing_count = excluded.missing_count, extra = excluded.extra, extra_count = excluded.extra_count, ended = excluded.ended,
  ended_count = excluded.ended_count, undelivered_count = excluded.undelivered_count, accepted_count = excluded.accepted_count,
  identities_compared = excluded.identities_compared,
  identities_whole_at = coalesce(excluded.identities_whole_at, folder_audit.identities_whole_at), checked_at = excluded.checked_at, proven_at = coalesce(excluded.proven_at, folder_audit.proven_at)`;

async function rowOf(sql: Sql, source: FencedSource, audit: FolderAudit): Promise<unknown[]> {
  const ledger = await ledgerSide(sql, audit.genId);
  const { missing, extra, ended } = audit;
  return [
    source.tenantId,
    source.sourceId,
    audit.folderId,
    audit.verdict,
    audit.reason,
    audit.serverCount,
    audit.serverBytes,
    JSON.stringify(ledger.counts),
    ledger.bytes,
    ...[missing, extra, ended].flatMap((uids) => [uids.slice(0, uidsShown), uids.length]),
    audit.undelivered.length,
    audit.accepted,
    audit.identities?.compared ?? 0,
    audit.identities?.isEnd ?? false,
  ];
}

/** What is still on its way (an import, a folder that appeared just now) is no difference. */
function findingsOf(audit: FolderAudit): Finding[] {
  const { reason, missing, extra, ended, undelivered } = audit;
  const differences = [
    { kind: 'missing', uids: reason === 'import-running' ? [] : missing },
    { kind: 'extra', uids: extra },
    { kind: 'ended-but-alive', uids: ended },
    { kind: 'undelivered', uids: undelivered },
  ] as const;
  const found: Finding[] = differences.flatMap(({ kind, uids }) =>
    uids.length === 0 ? [] : [{ kind, reason, count: uids.length, uids: [...uids] }],
  );
  if (audit.verdict === 'not-provable') found.push({ kind: 'not-provable', reason, count: 1, uids: [] });
  return found;
}

async function ledgerSide(sql: Sql, genId: number | null): Promise<{ counts: Record<string, number>; bytes: number }> {
  const rows = await sql.query<{ outcome: number; count: number; bytes: string | null }>(
    'SELECT outcome, count(*) AS count, sum(size) AS bytes FROM placement WHERE gen_id = $1 AND presence = 1 GROUP BY outcome',
    [genId],
  );
  return {
    counts: Object.fromEntries(rows.map((row) => [outcomeName(row.outcome), row.count])),
    bytes: rows.reduce((sum, row) => sum + Number(row.bytes ?? 0), 0),
  };
}

/** How an audit of a whole mailbox ended. */
export interface AuditDone {
  operationId: string;
  cause: AuditCause;
  /** The folders that were compared. */
  folderIds: string[];
  verdict: FolderAudit['verdict'];
  /** The server shows but a part of some folder, or hides one. */
  isPartial: boolean;
  /** Messages that were in no timeline although an address matches; they are now. */
  linked: number;
  result: object;
  /** When it is compared again: by itself, and after differences, which are asked about the more seldom the longer they last. */
  dailyMs: number;
  againMs: number;
}

/**
 * Ends an audit: the mailbox says whether it is proven complete, when it is compared next, and its operation is done. Second run: no
 * change but the time of the next.
 * @throws StaleFence where the mailbox has a newer wish
 */
export async function recordAuditDone(db: Database, source: FencedSource, audit: AuditDone): Promise<void> {
  const { tenantId, sourceId } = source;
  const isComplete = audit.verdict === 'complete';
  await db.inTenant(tenantId, async (sql) => {
    await lockSourceAlone(sql, source);
    await dropUncompared(sql, source, audit.folderIds);
    const unlinked: Finding = { kind: 'not-linked', reason: null, count: audit.linked, uids: [] };
    const whole = { ...source, folderId: null, cause: audit.cause };
    if (audit.linked > 0) await writeFindings(sql, whole, [unlinked]);
    // They were put where they belong before this was written: the record tells that it was so.
    await writeFindings(sql, whole, []);
    await sql.execute(planNext, [tenantId, sourceId, isComplete, audit.dailyMs, audit.againMs]);
    await changeFlag(sql, source, { flag: 'incomplete', to: isComplete ? 'clear' : 'set' });
    await changeFlag(sql, source, { flag: 'partial-view', to: audit.isPartial ? 'set' : 'clear' });
    await sql.execute(
      `UPDATE operation SET state = 'done', result = $3, started_at = coalesce(started_at, now()), finished_at = now()
       WHERE tenant_id = $1 AND id = $2 AND state IN ('waiting', 'running')`,
      [tenantId, audit.operationId, JSON.stringify({ ...audit.result, cause: audit.cause })],
    );
  });
}

/** Another audit was asked for since this one began (`beginAudit`): it may have passed what that is about. */
const askedSooner = `(audit_cause <> 'daily' AND audit_due_at < now() + least(due.daily, due.again))`;

/** Daily with a twelfth of it as jitter, so that mailboxes that were connected together drift apart. */
const planNext = `
WITH oldest AS (SELECT min(found_at) AS at FROM audit_finding WHERE tenant_id = $1 AND source_id = $2 AND healed_at IS NULL),
due AS (SELECT $4::float8 * (1 - random() / 12) * interval '1 millisecond' AS daily,
  CASE WHEN oldest.at IS NOT NULL AND NOT $3 THEN greatest($5::float8 * interval '1 millisecond', now() - oldest.at) END AS again FROM oldest)
UPDATE mailbox SET last_proven_at = CASE WHEN $3 THEN now() ELSE last_proven_at END, audited_at = now(),
  audit_due_at = CASE WHEN ${askedSooner} THEN audit_due_at ELSE now() + least(due.daily, due.again) END,
  audit_cause = CASE WHEN ${askedSooner} THEN audit_cause WHEN due.again < due.daily THEN 'again' ELSE 'daily' END
FROM due WHERE tenant_id = $1 AND source_id = $2`;

/** Ends the operation of an audit that could not compare; it is tried again after `againMs`. Second run, or one that has ended: no change. */
export async function recordAuditFailed(
  db: Database,
  audit: { tenantId: string; operationId: string; againMs: number },
  error: { kind?: string; code: string },
): Promise<void> {
  await db.inTenant(audit.tenantId, async (sql) => {
    await sql.execute(
      `UPDATE operation SET state = 'failed', error = $3, started_at = coalesce(started_at, now()), finished_at = now()
       WHERE tenant_id = $1 AND id = $2 AND state IN ('waiting', 'running')`,
      [audit.tenantId, audit.operationId, JSON.stringify(error)],
    );
    await sql.execute(
      `UPDATE mailbox SET audit_tried_at = now(), audit_due_at = now() + $3::float8 * interval '1 millisecond',
         audit_cause = CASE WHEN audit_cause = 'daily' THEN coalesce(nullif(o.task ->> 'cause', 'person'), 'daily') ELSE audit_cause END
       FROM operation o
       WHERE mailbox.tenant_id = $1 AND mailbox.source_id = o.source_id AND o.tenant_id = $1 AND o.id = $2`,
      [audit.tenantId, audit.operationId, audit.againMs],
    );
  });
}
