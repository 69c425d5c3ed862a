import { randomBytes } from 'node:crypto';

import type { Database } from '../../src/db/database';
import { newUuid } from '../../src/db/new-id';
import { outcomes, presences, type Outcome, type Presence } from '../../src/domain/ledger';

/** Makes a folder of a mailbox with one generation. */
export async function insertFolder(
  db: Database,
  source: { tenantId: string; sourceId: string },
  path = 'INBOX',
): Promise<{ folderId: string; genId: number }> {
  const folderId = newUuid();
  return db.inTenant(source.tenantId, async (sql) => {
    await sql.execute('INSERT INTO folder (tenant_id, id, source_id, path, in_scope) VALUES ($1, $2, $3, $4, true)', [
      source.tenantId,
      folderId,
      source.sourceId,
      path,
    ]);
    const [generation] = await sql.query<{ id: number }>(
      `INSERT INTO folder_generation (tenant_id, source_id, folder_id, uidvalidity) VALUES ($1, $2, $3, 4294967296123) RETURNING id`,
      [source.tenantId, source.sourceId, folderId],
    );
    return { folderId, genId: generation?.id ?? 0 };
  });
}

/** Writes ledger rows for these UIDs. */
export async function insertPlacements(
  db: Database,
  source: { tenantId: string; sourceId: string },
  rows: { genId: number; uids: number[]; outcome?: Outcome; reason?: string; presence?: Presence; blobId?: string },
): Promise<void> {
  const outcome = rows.outcome ?? 'recorded';
  await db.inTenant(source.tenantId, (sql) =>
    sql.execute(
      `INSERT INTO placement (gen_id, uid, tenant_id, source_id, outcome, reason, presence, raw_sha, size, blob_id)
       SELECT $1, uid, $2, $3, $4, $5, $6, $7, 1234, $8 FROM unnest($9::bigint[]) uid`,
      [
        rows.genId,
        source.tenantId,
        source.sourceId,
        outcomes[outcome],
        rows.reason ?? null,
        presences[rows.presence ?? 'live'],
        outcome === 'filtered' ? null : randomBytes(32),
        rows.blobId ?? null,
        rows.uids,
      ],
    ),
  );
}

/** Parks one UID that has a ledger row; the id of the failure. */
export async function insertFailure(
  db: Database,
  source: { tenantId: string; sourceId: string },
  at: { genId: number; uid: number; kind?: string },
): Promise<string> {
  const id = newUuid();
  await db.inTenant(source.tenantId, (sql) =>
    sql.execute(
      `INSERT INTO failure (tenant_id, id, source_id, gen_id, uid, kind, code, detail, versions)
       VALUES ($1, $2, $3, $4, $5, $6, 'too-many-parts', '{"parts": 2000}', '{"parser": 1}')`,
      [source.tenantId, id, source.sourceId, at.genId, at.uid, at.kind ?? 'unreadable'],
    ),
  );
  return id;
}
