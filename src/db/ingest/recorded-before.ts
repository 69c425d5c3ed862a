import { createHash } from 'node:crypto';

import type { MessageEnvelope } from '../../domain/folder';
import type { Database } from '../database';

/** Messages that a source has recorded although they arrived before some instant. */
export interface RecordedBefore {
  count: number;
  /** Whether it is one of them: by its provider id, else by size and date together. */
  has: (envelope: MessageEnvelope) => boolean;
}

const usualRowsPerPage = 20_000;

/**
 * The messages of a source that were recorded and whose INTERNALDATE is before `instant`: what came to it later with an old date. They are
 * known mail, also where a folder that shows them is listed for the first time. They are read page by page, and take 16 bytes each.
 */
export async function recordedBefore(
  db: Database,
  source: { tenantId: string; sourceId: string },
  { instant, rowsPerPage = usualRowsPerPage }: { instant: Date; rowsPerPage?: number },
): Promise<RecordedBefore> {
  const sizesAndDates: BigUint64Array[] = [];
  const providerIds: BigUint64Array[] = [];
  let count = 0;
  for (let after: Place | null = { genId: 0, uid: 0 }; after !== null;) {
    const values = [source.tenantId, source.sourceId, instant, after.genId, after.uid, rowsPerPage];
    const rows: Row[] = await db.inTenant(source.tenantId, (sql) => sql.query<Row>(nextPage, values));
    sizesAndDates.push(BigUint64Array.from(rows, ({ size, internalDate }) => packed(size ?? 0, internalDate)));
    providerIds.push(
      BigUint64Array.from(rows.flatMap(({ digest }) => (digest === null ? [] : [digest.readBigUInt64BE()]))),
    );
    count += rows.length;
    after = rows.length < rowsPerPage ? null : (rows.at(-1) ?? null);
  }
  const [byTraits, byId] = [sorted(sizesAndDates), sorted(providerIds)];
  return {
    count,
    has: ({ providerId, size, internalDate }) =>
      (providerId !== null && isIn(byId, digestOf(providerId))) ||
      (internalDate !== null && isIn(byTraits, packed(size, internalDate))),
  };
}

interface Place {
  genId: number;
  uid: number;
}

interface Row extends Place {
  size: number | null;
  internalDate: Date;
  /** The first 8 bytes of the SHA-256 of its provider id. */
  digest: Buffer | null;
}

const nextPage = `
SELECT g.id AS "genId", p.uid, p.size, p.internal_date AS "internalDate",
  substring(sha256(convert_to(c.provider_id, 'UTF8')) FROM 1 FOR 8) AS digest
FROM (SELECT id FROM folder_generation WHERE tenant_id = $1 AND source_id = $2 AND id >= $4::bigint ORDER BY id) g
CROSS JOIN LATERAL (
  SELECT uid, size, internal_date, copy_id FROM placement
  WHERE gen_id = g.id AND uid > CASE WHEN g.id = $4::bigint THEN $5::bigint ELSE 0 END AND copy_id IS NOT NULL AND internal_date < $3
  ORDER BY uid LIMIT $6::integer) p
JOIN copy c ON c.tenant_id = $1 AND c.id = p.copy_id
ORDER BY g.id, p.uid LIMIT $6::integer`;

function digestOf(providerId: string): bigint {
  return createHash('sha256').update(providerId).digest().readBigUInt64BE();
}

/** Size and date in one number; INTERNALDATE counts seconds (RFC 9051 9, date-time). */
function packed(size: number, date: Date): bigint {
  const seconds = BigInt(Math.floor(date.getTime() / 1_000));
  return (BigInt.asUintN(30, BigInt(size)) << 34n) | BigInt.asUintN(34, seconds);
}

function sorted(pages: BigUint64Array[]): BigUint64Array {
  const all = new BigUint64Array(pages.reduce((sum, page) => sum + page.length, 0));
  let at = 0;
  for (const page of pages) {
    all.set(page, at);
    at += page.length;
  }
  return all.sort();
}

/** Halving: half of what is left cannot hold it. */
function isIn(numbers: BigUint64Array, wanted: bigint): boolean {
  let [from, to] = [0, numbers.length];
  while (from < to) {
    const middle = (from + to) >>> 1;
    if ((numbers[middle] ?? 0n) < wanted) from = middle + 1;
    else to = middle;
  }
  return numbers[from] === wanted;
}
