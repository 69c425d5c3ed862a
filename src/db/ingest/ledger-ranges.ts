import { reasonsToFetch } from '../../domain/ledger';
import type { UidRanges } from '../../domain/uid-set';
import type { Database, Sql } from '../database';

/** A generation, and whether what the server shows of it is fetched. */
interface ScopedGeneration {
  genId: number;
  scope: 'fetch' | 'ledger-only';
}

/**
 * The UIDs of a generation that have a ledger row, as ranges. Where the folder is fetched, rows that only say `filtered: folder-role`,
 * `filtered: removed` or `filtered: answers-linked` do not count: what the server shows of them is fetched now.
 */
export async function ledgerRanges(db: Database, tenantId: string, folder: ScopedGeneration): Promise<UidRanges> {
  return db.preparedInTenant(tenantId, (sql) =>
    rangesWhere(sql, { genId: folder.genId, condition: countedIn(folder.scope) }),
  );
}

/** The UIDs of a generation that were on the server when it was last looked at, as ranges. */
export async function liveRanges(db: Database, tenantId: string, genId: number): Promise<UidRanges> {
  return db.preparedInTenant(tenantId, (sql) => rangesWhere(sql, { genId, condition: isLive }));
}

/** What the ledger has of the newest UIDs of a generation, and of some others. */
export interface LedgerTail {
  /** From the first UID of the tail on: rows that were on the server when it was last looked at. */
  live: UidRanges;
  /** Likewise: rows as `ledgerRanges` has them. */
  known: UidRanges;
  /** How many of the others have a row that is both. */
  others: number;
}

/** Reads as many rows as the tail has, and the others are. */
export async function ledgerTail(
  db: Database,
  tenantId: string,
  tail: ScopedGeneration & { from: number; others: number[] },
): Promise<LedgerTail> {
  const { genId, from } = tail;
  const counted = countedIn(tail.scope);
  return db.preparedInTenant(tenantId, async (sql) => {
    const [live, known, others] = await Promise.all([
      rangesWhere(sql, { genId, condition: isLive, from }),
      rangesWhere(sql, { genId, condition: counted, from }),
      sql.query<{ count: number }>(
        `SELECT count(*) AS count FROM placement WHERE gen_id = $1 AND uid = ANY ($2::bigint[]) ${isLive} ${counted}`,
        [genId, tail.others],
      ),
    ]);
    return { live, known, others: others[0]?.count ?? 0 };
  });
}

const isLive = 'AND presence = 1';
const toFetch = reasonsToFetch.map((reason) => `'${reason}'`).join(', ');

function countedIn(scope: ScopedGeneration['scope']): string {
  return scope === 'fetch' ? `AND NOT (outcome = 3 AND reason IN (${toFetch}))` : '';
}

/** Rows read at once: where each is a range of its own, some 30 ms of the event loop. */
const rowsPerPage = 25_000;

/** Gaps and islands: rows whose UID grows in step with their number are one range. Page by page, so that other work goes in between. */
async function rangesWhere(sql: Sql, rows: { genId: number; condition: string; from?: number }): Promise<UidRanges> {
  const ranges: { from: number; to: number }[] = [];
  let from: number | null = rows.from ?? 0;
  while (from !== null) {
    const page: { from: number; to: number; rows: number }[] = await sql.query(
      `SELECT min(uid) AS "from", max(uid) AS "to", count(*) AS rows FROM (
         SELECT uid, uid - row_number() OVER (ORDER BY uid) AS island FROM (
           SELECT uid FROM placement WHERE gen_id = $1 AND uid >= $2 ${rows.condition} ORDER BY uid LIMIT $3
         ) AS page
       ) AS numbered GROUP BY island ORDER BY 1`,
      [rows.genId, from, rowsPerPage],
    );
    from = append(ranges, page);
  }
  return ranges;
}

/** Where the next page begins; null behind the last. */
function append(
  ranges: { from: number; to: number }[],
  page: { from: number; to: number; rows: number }[],
): number | null {
  let read = 0;
  for (const { from, to, rows } of page) {
    const last = ranges.at(-1);
    if (last?.to === from - 1) last.to = to;
    else ranges.push({ from, to });
    read += rows;
  }
  const end = ranges.at(-1);
  return read < rowsPerPage || end === undefined ? null : end.to + 1;
}
