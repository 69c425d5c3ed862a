import { asOwner } from './database-copy';

/**
 * Everything that a tenant's tables say, ids aside: rows are told by what they mean (a message by its key, a copy by its mailbox and the
 * hash of its bytes, a thread by its messages), so that two databases that came to the same in different ways are equal.
 */
export async function contentOf(ownerUrl: string, tenantId: string): Promise<Record<string, unknown[]>> {
  return asOwner(ownerUrl, async (owner) => {
    const content: Record<string, unknown[]> = {};
    for (const [name, query] of Object.entries(queries)) {
      const { rows } = await owner.query<{ row: unknown }>(`SELECT to_jsonb(q) AS row FROM (${query}) q`, [tenantId]);
      content[name] = rows.map(({ row }) => JSON.stringify(row)).sort();
    }
    return content;
  });
}

/** How many rows of a tenant every table has, from the catalogue. What a deletion leaves behind as its own trace is not counted. */
export async function countsOf(ownerUrl: string, tenantId: string): Promise<Record<string, number>> {
  return asOwner(ownerUrl, async (owner) => {
    const { rows: tables } = await owner.query<{ name: string }>(
      `SELECT c.relname AS name FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id'
       WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND c.relname NOT IN ('deletion', 'erasure', 'audit') ORDER BY 1`,
    );
    const counts: Record<string, number> = {};
    for (const { name } of tables) {
      const { rows } = await owner.query<{ count: string }>(`SELECT count(*) FROM ${name} WHERE tenant_id = $1`, [
        tenantId,
      ]);
      counts[name] = Number(rows[0]?.count);
    }
    return counts;
  });
}

const keyOfMessage = (id: string) =>
  `(SELECT encode(k.message_key, 'hex') FROM message k WHERE k.tenant_id = $1 AND k.id = ${id})`;
const addressOf = (id: string) => `(SELECT s.address_key FROM source s WHERE s.tenant_id = $1 AND s.id = ${id})`;
const nameOf = (id: string) =>
  `coalesce((SELECT r.name FROM record r WHERE r.tenant_id = $1 AND r.id = ${id}), ${id}::text)`;

const queries: Record<string, string> = {
  messages: `SELECT encode(m.message_key, 'hex') AS key, m.message_id_header, m.sort_at, m.sent_at, m.participants, m.marks, m.has_attachments,
      s.subject, b.preview, b.text, b.text_truncated,
      (SELECT min(encode(o.message_key, 'hex')) FROM message o WHERE o.tenant_id = $1 AND o.thread_id = m.thread_id) AS thread
    FROM message m JOIN message_subject s ON s.tenant_id = $1 AND s.message_id = m.id JOIN message_body b ON b.tenant_id = $1 AND b.message_id = m.id
    WHERE m.tenant_id = $1`,
  search: `SELECT ${keyOfMessage('x.message_id')} AS key, x.level, x.sort_at, x.v::text AS v FROM message_search x WHERE x.tenant_id = $1`,
  pending: `SELECT ${keyOfMessage('x.message_id')} AS key FROM search_pending x WHERE x.tenant_id = $1`,
  copies: `SELECT ${addressOf('c.source_id')} AS mailbox, ${keyOfMessage('c.message_id')} AS key, encode(c.raw_sha, 'hex') AS sha, c.raw_size, c.raw_state,
      c.visibility, c.direction, c.bcc, c.delivered_to, t.parts,
      (SELECT json_agg(ca.role || ' ' || ca.address_key ORDER BY ca.role, ca.address_key) FROM copy_address ca WHERE ca.tenant_id = $1 AND ca.copy_id = c.id) AS addresses
    FROM copy c JOIN copy_structure t ON t.tenant_id = $1 AND t.copy_id = c.id WHERE c.tenant_id = $1`,
  placements: `SELECT ${addressOf('p.source_id')} AS mailbox, f.path, p.uid, p.outcome, p.reason, p.presence, encode(p.raw_sha, 'hex') AS sha, p.size, p.flags
    FROM placement p JOIN folder_generation g ON g.id = p.gen_id JOIN folder f ON f.id = g.folder_id WHERE p.tenant_id = $1`,
  links: `SELECT ${keyOfMessage('l.message_id')} AS key, ${nameOf('l.record_id')} AS record, l.state,
      (SELECT json_agg(r.kind || ' ' || r.key ORDER BY r.kind, r.key) FROM link_reason r WHERE r.tenant_id = $1 AND r.link_id = l.id) AS reasons
    FROM link l WHERE l.tenant_id = $1`,
  timeline: `SELECT ${keyOfMessage('t.message_id')} AS key, ${nameOf('t.record_id')} AS record, t.principal, t.sort_at, t.level FROM timeline t WHERE t.tenant_id = $1`,
  bytes: `SELECT encode(b.sha256, 'hex') AS sha, b.size, c.n, md5(c.bytes) AS md5
    FROM blob b JOIN blob_chunk c ON c.tenant_id = $1 AND c.blob_id = b.id WHERE b.tenant_id = $1`,
  mailboxes: `SELECT s.address_key, s.policy, m.username, m.provider, m.flags FROM source s JOIN mailbox m ON m.tenant_id = $1 AND m.source_id = s.id WHERE s.tenant_id = $1`,
};
