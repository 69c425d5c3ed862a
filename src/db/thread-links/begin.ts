import type { ThreadLinkMode } from '../../domain/link-reasons';
import type { Sql } from '../database';
import { threadOf } from '../messages-thread';
import { newUuid } from '../new-id';
import { principalsOf, type Reader } from '../timeline-read';
import { wholeThread } from '../thread-parts';
import { insertLinkOperation, linkKinds, linkTask, type LinkKind } from './link-task';
import { beginStaging, noteThread } from './staging';
import { findThreadLinks, recordOfMessageLink, recordsAmong, type StoredThreadLink } from './thread-links';

/** Who asks, and in whose name it is written down. */
export interface LinkActor {
  reader: Reader;
  actor: string;
  /** Why, in the person's words. */
  note: string | null;
}

/** An operation on the links of a thread that is under way. */
export interface OpenLinkOperation {
  operationId: string;
  kind: string;
  actor: string;
  since: Date;
}

/** What became of a wish about the links of a thread. `none`: the reader sees no such thread or link. */
export type ThreadLinkBegun =
  | { kind: 'begun'; operationId: string; threadId: string; linkId: string; recordId: string }
  | { kind: 'busy'; open: OpenLinkOperation }
  | { kind: 'none' }
  | { kind: 'unknown-record' }
  | { kind: 'linked'; linkId: string };

/**
 * Begins to link a thread, as it stands now, to a record. To be called under the tenant's lock, which the look at a long thread does not hold: whether
 * the reader sees it at all (`readsThread`) is asked before.
 */
export async function beginThreadLink(
  sql: Sql,
  who: LinkActor,
  wish: { threadId: string; recordId: string; mode: ThreadLinkMode },
): Promise<ThreadLinkBegun> {
  const { reader } = who;
  const threadId = await threadOf(sql, reader.tenantId, wish.threadId);
  if (threadId === null) return { kind: 'none' };
  if (!(await recordsAmong(sql, reader, [wish.recordId])).has(wish.recordId)) return { kind: 'unknown-record' };
  const open = await openOperation(sql, reader.tenantId, threadId);
  if (open !== null) return { kind: 'busy', open };
  const [known = null, ...beside] = await findThreadLinks(sql, reader.tenantId, { threadId, recordId: wish.recordId });
  if (known?.state === 'active') return { kind: 'linked', linkId: known.id };
  return begin(sql, who, {
    kind: 'link-thread',
    does: 'link',
    threadId,
    recordId: wish.recordId,
    known,
    beside,
    mode: wish.mode,
  });
}

/**
 * Begins to take a thread away from a record: by the link of the thread, or of one of its messages where rules made it. As above.
 */
export async function beginThreadUnlink(
  sql: Sql,
  who: LinkActor,
  wish: { threadId: string; linkId: string },
): Promise<ThreadLinkBegun> {
  const found = await linkToChange(sql, who.reader, wish);
  if (found.kind !== 'found') return found;
  const mode = found.link.known?.mode ?? 'snapshot';
  return begin(sql, who, { kind: 'unlink-thread', does: 'unlink', ...found.link, mode });
}

/** Begins to link a thread again as it stands now, whatever was taken away of it; `mode` null: as it was linked. As above. */
export async function beginThreadRelink(
  sql: Sql,
  who: LinkActor,
  wish: { threadId: string; mode: ThreadLinkMode | null } & ({ linkId: string } | { recordId: string }),
): Promise<ThreadLinkBegun> {
  const found = await linkToChange(sql, who.reader, wish);
  if (found.kind !== 'found') return found;
  const mode = wish.mode ?? found.link.known?.mode ?? 'snapshot';
  return begin(sql, who, { kind: 'relink-thread', does: 'link', ...found.link, mode });
}

type LinkToChange =
  | { kind: 'found'; link: Pick<Beginning, 'threadId' | 'recordId' | 'known' | 'beside'> }
  | Exclude<ThreadLinkBegun, { kind: 'begun' | 'linked' }>;

async function linkToChange(
  sql: Sql,
  reader: Reader,
  wish: { threadId: string } & ({ linkId: string } | { recordId: string }),
): Promise<LinkToChange> {
  const { tenantId } = reader;
  const threadId = await threadOf(sql, reader.tenantId, wish.threadId);
  if (threadId === null) return { kind: 'none' };
  const [byId = null] = await findThreadLinks(sql, tenantId, { ...wish, threadId });
  const recordId =
    byId?.recordId ??
    ('recordId' in wish ? wish.recordId : await recordOfMessageLink(sql, tenantId, { ...wish, threadId }));
  if (recordId === null || !(await recordsAmong(sql, reader, [recordId])).has(recordId)) return { kind: 'none' };
  const open = await openOperation(sql, tenantId, threadId);
  if (open !== null) return { kind: 'busy', open };
  const all = await findThreadLinks(sql, tenantId, { threadId, recordId });
  const known = byId ?? all[0] ?? null;
  return { kind: 'found', link: { threadId, recordId, known, beside: all.filter(({ id }) => id !== known?.id) } };
}

/** The operation that is under way on a thread, or on one that became a part of it. */
export async function openOperation(sql: Sql, tenantId: string, threadId: string): Promise<OpenLinkOperation | null> {
  const [open] = await sql.query<OpenLinkOperation>(
    `SELECT o.id AS "operationId", o.kind, o.task ->> 'actor' AS actor, o.created_at AS since FROM operation o
     JOIN thread t ON t.tenant_id = $1 AND t.id = (o.task -> 'thread' ->> 'id')::uuid AND ${wholeThread('coalesce(t.merged_into, t.id)')} = $2
     WHERE o.tenant_id = $1 AND o.source_id IS NULL AND o.kind = ANY ($3::text[]) AND o.state IN ('waiting', 'running') LIMIT 1`,
    [tenantId, threadId, [...linkKinds]],
  );
  return open ?? null;
}

interface Beginning {
  kind: LinkKind;
  does: 'link' | 'unlink';
  threadId: string;
  recordId: string;
  known: StoredThreadLink | null;
  /** The thread's other links to the record. */
  beside: StoredThreadLink[];
  mode: ThreadLinkMode;
}

async function begin(sql: Sql, who: LinkActor, wish: Beginning): Promise<ThreadLinkBegun> {
  const { tenantId } = who.reader;
  const { threadId, recordId, known } = wish;
  const linkId = await writeThreadLink(sql, who, wish);
  const before = known === null ? null : { mode: known.mode, state: known.state };
  const after = { mode: wish.mode, state: wish.does === 'link' ? ('active' as const) : ('unlinked' as const) };
  // A person links what they may see; what they take away goes from all of it.
  const seenBy = wish.does === 'unlink' ? null : principalsOf(who.reader);
  const task = linkTask.parse({
    does: wish.does,
    actor: who.actor,
    thread: {
      id: threadId,
      linkId,
      before,
      after,
      beside: wish.beside.map(({ id, mode, state }) => ({ linkId: id, before: { mode, state } })),
    },
    staging: { of: 'thread', seenBy },
  });
  const operationId = await insertLinkOperation(sql, tenantId, { kind: wish.kind, task });
  const messages = await noteThread(sql, { tenantId, operationId }, threadId);
  await beginStaging(sql, { tenantId, operationId }, { task, messages });
  return { kind: 'begun', operationId, threadId, linkId, recordId };
}

/**
 * From here on later mail follows, or does not. The time is that under the tenant's lock: it shows which of two operations was the later one.
 */
async function writeThreadLink(sql: Sql, { reader, actor, note }: LinkActor, wish: Beginning): Promise<string> {
  const id = wish.known?.id ?? newUuid();
  const says = [wish.mode, wish.does === 'link' ? 'active' : 'unlinked', actor, note];
  await sql.execute(
    `INSERT INTO thread_link (tenant_id, id, mode, state, actor, note, thread_id, record_id, changed_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, clock_timestamp())
     ON CONFLICT (id, tenant_id) DO UPDATE SET mode = excluded.mode, state = excluded.state, actor = excluded.actor,
       note = excluded.note, changed_at = excluded.changed_at`,
    [reader.tenantId, id, ...says, wish.threadId, wish.recordId],
  );
  if (wish.beside.length > 0)
    await sql.execute(
      `UPDATE thread_link SET mode = $3, state = $4, actor = $5, note = $6, changed_at = clock_timestamp()
       WHERE tenant_id = $1 AND id = ANY ($2::uuid[])`,
      [reader.tenantId, wish.beside.map((other) => other.id), ...says],
    );
  return id;
}
