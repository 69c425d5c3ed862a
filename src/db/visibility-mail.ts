import { z } from 'zod';

import type { Sql } from './database';
import { messagesOfChunk } from './rematch';
import { partsOfThread } from './thread-parts';
import { walkThread } from './thread-walk';

/** Which mail has other readers now: all of a source, all in which one of these addresses stands, all that is linked to these records, or a thread. */
const changedMail = z.discriminatedUnion('of', [
  /** `level`: what others may read of the source's copies from now on, also of those that were recorded before. */
  z.object({ of: z.literal('source'), sourceId: z.uuid(), level: z.int().min(0).max(3).optional() }),
  z.object({ of: z.literal('addresses'), addressKeys: z.array(z.string()) }),
  z.object({ of: z.literal('records'), recordIds: z.array(z.uuid()) }),
  z.object({ of: z.literal('thread'), threadId: z.uuid() }),
]);
export type ChangedMail = z.output<typeof changedMail>;

/** A job's task: `after`: where it goes on; `closing`: it is still deleting the rows of those who lost all reason to read a message. */
export const visibilityTask = changedMail.and(
  z.object({ after: z.string().nullable(), closing: z.boolean().default(false) }),
);
export type VisibilityTask = z.output<typeof visibilityTask>;

/** How many copies or links this mail has. A message may have several: they are looked at one by one. */
export async function countMail(sql: Sql, tenantId: string, mail: ChangedMail): Promise<number> {
  const { text, value } = countOf(mail);
  const [row] = await sql.query<{ count: number }>(text, [tenantId, value]);
  return row?.count ?? 0;
}

function countOf(mail: ChangedMail): { text: string; value: string | string[] } {
  switch (mail.of) {
    case 'source':
      return {
        text: 'SELECT count(*) AS count FROM copy WHERE tenant_id = $1 AND source_id = $2',
        value: mail.sourceId,
      };
    case 'addresses':
      return {
        text: 'SELECT count(DISTINCT copy_id) AS count FROM copy_address WHERE tenant_id = $1 AND address_key = ANY ($2::text[])',
        value: mail.addressKeys,
      };
    case 'records':
      return {
        text: 'SELECT count(*) AS count FROM link WHERE tenant_id = $1 AND record_id = ANY ($2::uuid[])',
        value: mail.recordIds,
      };
    case 'thread':
      return {
        text: `SELECT count(*) AS count FROM message WHERE tenant_id = $1 AND thread_id = ANY (${partsOfThread('$2::uuid')})`,
        value: mail.threadId,
      };
  }
}

interface NextMessages {
  messageIds: string[];
  next: string | null;
}

/** The next messages of a job, at most `limit`, and where it goes on; null where that was all. */
export function messagesOf(
  sql: Sql,
  tenantId: string,
  { task, limit }: { task: VisibilityTask; limit: number },
): Promise<NextMessages> {
  switch (task.of) {
    case 'source':
      return messagesOfSource(sql, tenantId, { ...task, limit });
    case 'addresses':
      return messagesOfChunk(sql, tenantId, { ...task, limit });
    case 'records':
      return messagesOfRecords(sql, tenantId, { ...task, limit });
    case 'thread':
      return walkThread(sql, tenantId, { ...task, limit });
  }
}

/** In the order of an index, so that no chunk reads what another has read; what is recorded meanwhile is told rightly wherever it comes. */
export async function messagesOfSource(
  sql: Sql,
  tenantId: string,
  from: { sourceId: string; after: string | null; limit: number },
): Promise<NextMessages> {
  const rows = await sql.query<{ sha: string; message_id: string }>(
    `SELECT encode(raw_sha, 'hex') AS sha, message_id FROM copy
     WHERE source_id = $2 AND tenant_id = $1 AND raw_sha > decode($3, 'hex') ORDER BY source_id, raw_sha LIMIT $4`,
    [tenantId, from.sourceId, from.after ?? '', from.limit],
  );
  const messageIds = [...new Set(rows.map((row) => row.message_id))];
  return { messageIds, next: rows.length < from.limit ? null : (rows.at(-1)?.sha ?? null) };
}

const beforeAll = '00000000-0000-0000-0000-000000000000';

// Of thousands of records most have little mail: so many are looked through by one chunk at most.
const recordsOfChunk = 100;

async function messagesOfRecords(
  sql: Sql,
  tenantId: string,
  from: { recordIds: string[]; after: string | null; limit: number },
): Promise<NextMessages> {
  const [index = '0', messageId = beforeAll] = (from.after ?? `0:${beforeAll}`).split(':');
  const first = Number(index);
  const rows = await sql.query<{ index: number; message_id: string }>(
    `SELECT (w.index - 1)::integer AS index, l.message_id FROM unnest($2::uuid[]) WITH ORDINALITY AS w(record_id, index)
     CROSS JOIN LATERAL (
       SELECT message_id FROM link WHERE tenant_id = $1 AND record_id = w.record_id
         AND message_id > CASE WHEN w.index = 1 THEN $3::uuid ELSE '${beforeAll}' END
       ORDER BY record_id, tenant_id, message_id LIMIT $4
     ) AS l ORDER BY w.index, l.message_id LIMIT $4`,
    [tenantId, from.recordIds.slice(first, first + recordsOfChunk), messageId, from.limit],
  );
  const messageIds = [...new Set(rows.map((row) => row.message_id))];
  const last = rows.at(-1);
  if (last !== undefined && rows.length === from.limit) {
    return { messageIds, next: `${String(first + last.index)}:${last.message_id}` };
  }
  const following = first + recordsOfChunk;
  return { messageIds, next: following < from.recordIds.length ? `${String(following)}:${beforeAll}` : null };
}
