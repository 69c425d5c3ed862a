import type { Database } from '../database';

/** What a folder's live failures mean for its completeness. */
export interface ParkedSide {
  /** UIDs whose bytes are nowhere here, and that nobody has accepted, ascending. */
  undelivered: number[];
  /** How many a person has accepted. */
  accepted: number;
}

/** The failures of a generation that the server still shows. Parked mail whose bytes are here is here. */
export async function parkedSide(db: Database, tenantId: string, genId: number): Promise<ParkedSide> {
  const rows = await db.inTenant(tenantId, (sql) =>
    sql.query<{ uid: number; is_accepted: boolean; has_bytes: boolean }>(
      `SELECT f.uid, f.state = 'accepted' AS is_accepted, p.blob_id IS NOT NULL AS has_bytes
       FROM failure f JOIN placement p ON p.gen_id = f.gen_id AND p.uid = f.uid
       WHERE f.gen_id = $1 AND p.outcome = 5 AND p.presence = 1 ORDER BY f.uid`,
      [genId],
    ),
  );
  return {
    undelivered: rows.flatMap(({ uid, is_accepted, has_bytes }) => (is_accepted || has_bytes ? [] : [uid])),
    accepted: rows.filter(({ is_accepted }) => is_accepted).length,
  };
}
