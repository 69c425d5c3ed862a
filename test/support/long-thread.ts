import type { Database } from '../../src/db/database';
import { lockTenantForWriting } from '../../src/db/tenant-lock';
import { insertTimelines } from '../../src/db/timeline-write';
import { aMessage, type TestMailbox } from './mail-rows';

/**
 * A thread that begins with the message <name@x>, and so many more, <name1@x> the newest of them; these are linked to the record, where there is one, as by
 * this reason. Returns the thread's id.
 */
export async function aLongThread(
  db: Database,
  mailbox: TestMailbox,
  wish: { name: string; more: number; recordId?: string | null; reason?: { kind: string; key: string } },
): Promise<string> {
  const { tenantId, sourceId } = mailbox;
  const { name, more, recordId = null, reason = { kind: 'person', key: 'by-hand' } } = wish;
  const first = { messageId: `<${name}@x>`, from: 'ada@customer.example' };
  const { threadId } = await aMessage(db, mailbox, first);
  await db.inTenant(tenantId, async (sql) => {
    await lockTenantForWriting(sql, tenantId);
    const added = await sql.query<{ id: string }>(
      `WITH added AS (
         INSERT INTO message (tenant_id, id, message_key, message_id_hash, message_id_header, thread_id, sort_at, participants)
         SELECT $1, gen_random_uuid(), sha256(($2::uuid || $4 || n)::bytea), sha256(('<' || $4 || n || '@x>')::bytea), '<' || $4 || n || '@x>', $3::uuid,
           now() - n * interval '1 minute', '{"from": [], "sender": [], "replyTo": [], "to": [], "cc": []}' FROM generate_series(1, $5::integer) AS n
         RETURNING id, message_key, message_id_hash
       ), referred AS (
         INSERT INTO thread_ref (tenant_id, ref_hash, thread_id) SELECT $1, message_id_hash, $3 FROM added
       )
       INSERT INTO copy (tenant_id, id, source_id, message_id, raw_sha, raw_size, raw_state, visibility, direction, parser_version)
       SELECT $1, gen_random_uuid(), $2, id, message_key, 1, 'none', 3, 'incoming', 1 FROM added RETURNING message_id AS id`,
      [tenantId, sourceId, threadId, name, more],
    );
    const ids = added.map(({ id }) => id);
    if (recordId !== null) {
      await sql.execute(
        `WITH linked AS (INSERT INTO link (tenant_id, id, message_id, record_id) SELECT $1, gen_random_uuid(), id, $3 FROM unnest($2::uuid[]) AS id RETURNING id)
         INSERT INTO link_reason (tenant_id, link_id, kind, key, actor, record_version) SELECT $1, id, $4, $5, 'test', 1 FROM linked`,
        [tenantId, ids, recordId, reason.kind, reason.key],
      );
    }
    await insertTimelines(sql, tenantId, ids);
  });
  return threadId;
}
