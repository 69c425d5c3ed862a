import type { Database } from '../database';

/** A mailbox that is there, of whatever tenant. Ids are UUIDs. */
export interface MailboxRef {
  tenantId: string;
  mailboxId: string;
}

const selectMailboxes = `SELECT s.tenant_id AS "tenantId", s.id AS "mailboxId" FROM source s
  JOIN mailbox m ON m.tenant_id = s.tenant_id AND m.source_id = s.id WHERE s.deleted_at IS NULL`;

/** The next mailboxes of all tenants by id, after `after`. */
export function nextMailboxes(db: Database, page: { after: string | null; limit: number }): Promise<MailboxRef[]> {
  return db.acrossTenants((sql) =>
    sql.query<MailboxRef>(`${selectMailboxes} AND ($1::uuid IS NULL OR s.id > $1) ORDER BY s.id LIMIT $2`, [
      page.after,
      page.limit,
    ]),
  );
}

/** Those of these mailboxes that are there, by id. */
export function mailboxesById(db: Database, mailboxIds: string[]): Promise<MailboxRef[]> {
  return db.acrossTenants((sql) =>
    sql.query<MailboxRef>(`${selectMailboxes} AND s.id = ANY ($1::uuid[]) ORDER BY s.id`, [mailboxIds]),
  );
}

/** All tenants, by id. */
export async function allTenants(db: Database): Promise<string[]> {
  const rows = await db.acrossTenants((sql) =>
    sql.query<{ id: string }>('SELECT tenant_id AS id FROM tenant ORDER BY tenant_id'),
  );
  return rows.map(({ id }) => id);
}
