import type { Database } from '../database';

/** A copy whose bytes the source holds. */
export interface KnownCopy {
  copyId: string;
  rawSha: Buffer;
}

/**
 * The copies that a source holds of messages with these provider ids, by id. EMAILID (RFC 8474 5.1) and X-GM-MSGID stand for bytes that
 * never change, so that such a message need not be fetched a second time. Copies without bytes (headers only) are left out.
 */
export async function copiesByProviderId(
  db: Database,
  source: { tenantId: string; sourceId: string },
  providerIds: string[],
): Promise<Map<string, KnownCopy>> {
  if (providerIds.length === 0) return new Map();
  const rows = await db.preparedInTenant(source.tenantId, (sql) =>
    sql.query<{ id: string; provider_id: string; raw_sha: Buffer }>(
      `SELECT id, provider_id, raw_sha FROM copy
       WHERE tenant_id = $1 AND source_id = $2 AND provider_id = ANY ($3::text[]) AND raw_state <> 'none'`,
      [source.tenantId, source.sourceId, providerIds],
    ),
  );
  return new Map(rows.map((row) => [row.provider_id, { copyId: row.id, rawSha: row.raw_sha }]));
}
