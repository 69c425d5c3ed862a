import { readMessages } from '../../src/activities/read-messages';
import { fillSearch } from '../../src/db/search-fill';
import { recordBatch } from '../../src/db/ingest/record-batch';
import { newUuid } from '../../src/db/new-id';
import { mailboxForSync, type MailboxForSync } from '../../src/db/sync/mailbox-for-sync';
import { outcomes } from '../../src/domain/ledger';
import type { Policy } from '../../src/domain/policy';
import { parserVersion } from '../../src/mail/parse/parse-message';
import { createSyncBench, type SyncBench, type TestMailbox } from '../support/sync-bench';

const perBatch = 25;
const searchShare = 200;

/**
 * Stores and records messages in a database as a round would, in two mailboxes of one tenant that keep different things of them, and
 * makes them findable. Answers what is wrong with what is there then; messages are named by their place.
 */
export async function recordMessages(raws: readonly Buffer[]): Promise<string[]> {
  const bench = await createSyncBench(0);
  try {
    const tenantId = await bench.database.newTenant();
    const whole = await recordAll(bench, { raws, tenantId, policy: {} });
    const reduced = await recordAll(bench, { raws, tenantId, policy: { attachments: 'drop' } });
    let filled = 0;
    do filled = await fillSearch(bench.context.db, tenantId, searchShare);
    while (filled > 0);
    return [...whole, ...reduced, ...(await differently(bench, tenantId))];
  } finally {
    await bench.close();
  }
}

interface Wanted {
  raws: readonly Buffer[];
  tenantId: string;
  policy: Partial<Policy>;
}

async function recordAll(bench: SyncBench, { raws, tenantId, policy }: Wanted): Promise<string[]> {
  const mailbox = await bench.connect({ port: 1, tenantId, withoutPerson: true, policy });
  const source = await mailboxForSync(bench.context.db, mailbox);
  if (source === null) throw new Error('the mailbox is gone');
  const genId = await makeFolder(bench, source);
  const complaints: string[] = [];
  const record = async (batch: readonly { uid: number; raw: Buffer }[]): Promise<void> => {
    const [first] = batch;
    if (first === undefined) return;
    try {
      await recordOnce(bench, { source, genId, batch });
    } catch (error) {
      // By halves, to find out which one it is.
      const half = Math.ceil(batch.length / 2);
      if (batch.length === 1)
        complaints.push(`message ${String(first.uid - 1)} cannot be recorded: ${String(error).slice(0, 300)}`);
      else {
        await record(batch.slice(0, half));
        await record(batch.slice(half));
      }
    }
  };
  const all = raws.map((raw, index) => ({ uid: index + 1, raw }));
  for (let at = 0; at < all.length; at += perBatch) await record(all.slice(at, at + perBatch));
  return [...complaints, ...(await withoutOutcome(mailbox, raws.length))];
}

async function recordOnce(
  { context }: SyncBench,
  { source, genId, batch }: { source: MailboxForSync; genId: number; batch: readonly { uid: number; raw: Buffer }[] },
): Promise<void> {
  const told = { internalDate: null, flags: 0, modseq: null, providerId: null, providerThreadId: null };
  const fetched = batch.map(({ uid, raw }) => ({ ...told, uid, raw, size: raw.length }));
  const items = await readMessages(context, source, fetched);
  await recordBatch(context.db, source, {
    genId,
    items,
    cursor: null,
    part: 'live',
    versions: { parser: parserVersion, code: 'fuzz' },
  });
}

async function makeFolder({ context }: SyncBench, { tenantId, sourceId }: MailboxForSync): Promise<number> {
  const folderId = newUuid();
  return context.db.inTenant(tenantId, async (sql) => {
    await sql.execute(
      `INSERT INTO folder (tenant_id, id, source_id, path, in_scope) VALUES ($1, $2, $3, 'INBOX', true)`,
      [tenantId, folderId, sourceId],
    );
    const [made] = await sql.query<{ id: number }>(
      'INSERT INTO folder_generation (tenant_id, source_id, folder_id, uidvalidity) VALUES ($1, $2, $3, 1) RETURNING id',
      [tenantId, sourceId, folderId],
    );
    if (made === undefined) throw new Error('the folder was not made');
    return made.id;
  });
}

const known: ReadonlySet<number> = new Set([outcomes.recorded, outcomes.parked]);
const parkedFor = /^(?:too-many-parts|too-deep|header-too-large|too-many-addresses)$/;

async function withoutOutcome(mailbox: TestMailbox, count: number): Promise<string[]> {
  const rows = new Map((await mailbox.ledger()).map((row) => [row.uid, row]));
  return Array.from({ length: count }, (_, index) => index).flatMap((index) => {
    const row = rows.get(index + 1);
    if (row === undefined) return [`message ${String(index)} has no row`];
    const isKnown = known.has(row.outcome) && (row.outcome !== outcomes.parked || parkedFor.test(row.reason ?? ''));
    return isKnown ? [] : [`message ${String(index)} has the outcome ${String(row.outcome)} ${row.reason ?? ''}`];
  });
}

/** The same bytes are the same message wherever they are, and what is in a search is in no other row than its message's. */
async function differently({ context }: SyncBench, tenantId: string): Promise<string[]> {
  return context.db.inTenant(tenantId, async (sql) => {
    const rows = await sql.query<{ sha: string }>(
      `SELECT encode(raw_sha, 'hex') AS sha FROM copy WHERE tenant_id = $1 GROUP BY raw_sha HAVING count(DISTINCT message_id) > 1`,
      [tenantId],
    );
    const [left] = await sql.query<{ pending: number }>(
      'SELECT count(*)::integer AS pending FROM search_pending WHERE tenant_id = $1',
      [tenantId],
    );
    return [
      ...rows.map(({ sha }) => `the bytes ${sha} are several messages`),
      ...(left?.pending === 0 ? [] : ['not every message can be found']),
    ];
  });
}
