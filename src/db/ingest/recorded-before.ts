import type { MessageEnvelope } from '../../domain/folder';
import type { Database } from '../database';

/** Messages that a source has recorded although they arrived before some instant. */
export interface RecordedBefore {
  count: number;
  /** Whether it is one of them: by its provider id, else by size and date together. */
  has: (envelope: MessageEnvelope) => boolean;
}

/**
 * The messages of a source that were recorded and whose INTERNALDATE is before `instant`: what came to it later with an old date. They are
 * known mail, also where a folder that shows them is listed for the first time.
 */
export async function recordedBefore(
  db: Database,
  source: { tenantId: string; sourceId: string },
  instant: Date,
): Promise<RecordedBefore> {
  const rows = await db.inTenant(source.tenantId, (sql) =>
    sql.query<{ size: number; internal_date: Date; provider_id: string | null }>(
      `SELECT DISTINCT p.size, p.internal_date, c.provider_id
       FROM folder_generation g JOIN placement p ON p.gen_id = g.id AND p.copy_id IS NOT NULL AND p.internal_date < $3
       JOIN copy c ON c.tenant_id = p.tenant_id AND c.id = p.copy_id
       WHERE g.tenant_id = $1 AND g.source_id = $2`,
      [source.tenantId, source.sourceId, instant],
    ),
  );
  const keyOf = (size: number, date: Date) => `${String(size)} ${String(date.getTime())}`;
  const ids = new Set(rows.flatMap((row) => row.provider_id ?? []));
  const keys = new Set(rows.map((row) => keyOf(row.size, row.internal_date)));
  return {
    count: rows.length,
    has: ({ providerId, size, internalDate }) =>
      (providerId !== null && ids.has(providerId)) || (internalDate !== null && keys.has(keyOf(size, internalDate))),
  };
}
