import type { Sql } from './database';

/** Files of a message are what `message.has_attachments` speaks of: what is shown in its text is none. An expression over `parts` of a copy. */
const files = `'$[*] ? (@.role == "attachment" && !(@.disposition == "inline"))'`;

/** Whether this expression, the parts of a copy, has files. */
export function hasFiles(parts: string): string {
  return `coalesce(jsonb_path_exists(${parts}, ${files}), false)`;
}

/**
 * The order of a message's copies (`c`, parts in `cs`) in which the first is the one whose files are shown: of those with files the fullest, with the most of
 * them, one that the reader holds (`held`) before one that they do not. Both who lists files and who serves them go by it: they are known by their
 * number.
 */
export function filesFirst(held: string): string {
  return `${hasFiles('cs.parts')} DESC, array_position(ARRAY['full', 'reduced', 'none'], c.raw_state),
     jsonb_array_length(jsonb_path_query_array(coalesce(cs.parts, '[]'), ${files})) DESC, ${held} DESC, c.recorded_at, c.id`;
}

/** Writes whether these messages have files, by all the copies that they have now. Second run: no change. */
export async function tellFiles(sql: Sql, tenantId: string, messageIds: string[]): Promise<void> {
  if (messageIds.length === 0) return;
  await sql.execute(
    `UPDATE message m SET has_attachments = w.has_files FROM (
       SELECT told.id, EXISTS (
         SELECT FROM (SELECT id FROM copy WHERE tenant_id = $1 AND message_id = told.id OFFSET 0) c
         CROSS JOIN LATERAL (SELECT parts FROM copy_structure WHERE tenant_id = $1 AND copy_id = c.id OFFSET 0) cs
         WHERE ${hasFiles('cs.parts')}) AS has_files
       FROM unnest($2::uuid[]) AS told(id)
     ) w WHERE m.tenant_id = $1 AND m.id = w.id AND m.has_attachments <> w.has_files`,
    [tenantId, messageIds],
  );
}
