import type { Sql } from '../database';
import { settleQuestion } from './pending';

interface OfSource {
  tenantId: string;
  sourceId: string;
}

export type RemovalAnswer = 'confirm' | 'keep';

/** What waits to be removed from a mailbox. */
export interface PendingRemovals {
  /** Copies that wait for a person, since when none was added to them, and of how many messages. */
  asked: number;
  askedAt: Date | null;
  askedOf: number | null;
  /** Copies that wait for their grace, and when the first of it is over. */
  waiting: number;
  nextAt: Date | null;
}

/** What waits to be removed. */
export async function pendingRemovals(sql: Sql, { tenantId, sourceId }: OfSource): Promise<PendingRemovals> {
  const [row] = await sql.query<PendingRemovals>(
    `SELECT count(*) FILTER (WHERE r.state = 'asked') AS asked, max(m.asked_at) AS "askedAt", max(m.asked_of) AS "askedOf",
       count(*) FILTER (WHERE r.state IN ('waiting', 'confirmed')) AS waiting,
       min(r.due_at) FILTER (WHERE r.state IN ('waiting', 'confirmed')) AS "nextAt"
     FROM removal r LEFT JOIN mirroring m ON m.tenant_id = r.tenant_id AND m.source_id = r.source_id
     WHERE r.tenant_id = $1 AND r.source_id = $2`,
    [tenantId, sourceId],
  );
  return row ?? { asked: 0, askedAt: null, askedOf: null, waiting: 0, nextAt: null };
}

/** The question as a person saw it: how many messages, and since when it has been about just these or more of them. */
export interface SeenQuestion {
  messages: number;
  askedAt: Date;
}

export type Answered =
  | { kind: 'answered'; messages: number }
  | { kind: 'nothing-asked' }
  /** The question is about others by now. */
  | { kind: 'changed'; now: SeenQuestion };

/**
 * A person's answer to the question that they saw: `confirm` lets the next round remove the messages, after it has looked for them once
 * more; `keep` keeps them for good, as if they had been removed under that policy. It is about none where messages were added to the
 * question meanwhile, or came back: nobody has decided on those. The transaction has locked the source. Second run: nothing is asked.
 */
export async function answerRemovals(
  sql: Sql,
  source: OfSource,
  { answer, seen }: { answer: RemovalAnswer; seen: SeenQuestion },
): Promise<Answered> {
  const { asked, askedAt } = await pendingRemovals(sql, source);
  if (asked === 0 || askedAt === null) return { kind: 'nothing-asked' };
  const isSame = asked === seen.messages && askedAt.getTime() === seen.askedAt.getTime();
  if (!isSame) return { kind: 'changed', now: { messages: asked, askedAt } };
  const rows = await sql.query<{ copy_id: string }>(
    `UPDATE removal SET state = $3, due_at = now() WHERE tenant_id = $1 AND source_id = $2 AND state = 'asked' RETURNING copy_id`,
    [source.tenantId, source.sourceId, answer === 'confirm' ? 'confirmed' : 'kept'],
  );
  if (answer === 'keep') {
    await sql.execute(
      'UPDATE placement SET presence = 2 WHERE tenant_id = $1 AND copy_id = ANY ($2::uuid[]) AND presence = 3',
      [source.tenantId, rows.map(({ copy_id }) => copy_id)],
    );
  }
  await settleQuestion(sql, source, { added: 0 });
  return { kind: 'answered', messages: rows.length };
}

/** Mailboxes of a tenant that are not mirrored any more remove nothing: what waited has merely ended. Second run: no change. */
export async function releaseUnmirrored(sql: Sql, tenantId: string): Promise<void> {
  const sources = await sql.query<{ source_id: string }>(
    `SELECT m.source_id FROM mirroring m JOIN source s ON s.tenant_id = m.tenant_id AND s.id = m.source_id
     WHERE m.tenant_id = $1 AND s.policy ->> 'removals' = 'keep' FOR NO KEY UPDATE OF s`,
    [tenantId],
  );
  for (const { source_id: sourceId } of sources) {
    await sql.execute(
      `WITH freed AS (DELETE FROM removal WHERE tenant_id = $1 AND source_id = $2 RETURNING copy_id)
       UPDATE placement p SET presence = 2 FROM freed WHERE p.tenant_id = $1 AND p.copy_id = freed.copy_id AND p.presence = 3`,
      [tenantId, sourceId],
    );
    await settleQuestion(sql, { tenantId, sourceId }, { added: 0 });
    await sql.execute('DELETE FROM mirroring WHERE tenant_id = $1 AND source_id = $2', [tenantId, sourceId]);
  }
}
