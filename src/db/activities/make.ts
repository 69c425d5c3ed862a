import { defaultPolicy, type Policy } from '../../domain/policy';
import type { Sql } from '../database';
import { newUuid } from '../new-id';
import type { ActivityRule } from './facts';
import { decideActivities } from './refresh';

/**
 * Makes activities of messages of a source, where its policy asks for them: one for each message, made by the first source that asks (product
 * promise C9). What a further copy adds to a message that has one is taken up. To be called under the tenant's lock, after messages, copies
 * and links are written. Second run: no change.
 */
export async function makeActivities(
  sql: Sql,
  { tenantId, policy }: { tenantId: string; policy: Policy },
  messageIds: string[],
): Promise<void> {
  const { activity } = policy;
  if (messageIds.length === 0) return;
  if (activity === null) return decideActivities(sql, tenantId, { messageIds, createdIds: new Set() });
  const made = await sql.query<{ message_id: string }>(
    `INSERT INTO activity (tenant_id, id, message_id, type, status, sort_at, rule)
     SELECT $1, w.id, m.id, $4, $5, m.sort_at, $6 FROM unnest($2::uuid[], $3::uuid[]) AS w(message_id, id)
     JOIN message m ON m.tenant_id = $1 AND m.id = w.message_id
     ON CONFLICT DO NOTHING RETURNING message_id`,
    [
      tenantId,
      messageIds,
      messageIds.map(() => newUuid()),
      activity.type,
      activity.status,
      JSON.stringify(ruleOf(policy)),
    ],
  );
  const createdIds = new Set(made.map((row) => row.message_id));
  await decideActivities(sql, tenantId, { messageIds, createdIds });
}

function ruleOf(policy: Policy): ActivityRule {
  const { severalCompanies, matchKinds, matchTypes, gmailAddresses, companyDomains } = policy;
  return { severalCompanies, matchKinds, matchTypes, gmailAddresses, companyDomains };
}

/**
 * Gives activities of these messages the rule of a source as its policy is now, where that source has made them: of those that ask for activities the first
 * that has the message. To be called under the tenant's lock, before what follows from it is decided. Second run: no change.
 */
export async function renewRules(
  sql: Sql,
  { tenantId, sourceId }: { tenantId: string; sourceId: string },
  messageIds: string[],
): Promise<void> {
  const [source] = await sql.query<{ policy: Partial<Policy> }>(
    'SELECT policy FROM source WHERE tenant_id = $1 AND id = $2',
    [tenantId, sourceId],
  );
  if (source === undefined) return;
  await sql.execute(
    `UPDATE activity a SET rule = $4 WHERE a.tenant_id = $1 AND a.message_id = ANY ($3::uuid[]) AND a.rule <> $4::jsonb AND $2 = (
       SELECT c.source_id FROM copy c JOIN source s ON s.tenant_id = $1 AND s.id = c.source_id WHERE c.tenant_id = $1 AND c.message_id = a.message_id
       ORDER BY coalesce(s.policy -> 'activity', 'null') = 'null', c.recorded_at, c.id LIMIT 1)`,
    [tenantId, sourceId, messageIds, JSON.stringify(ruleOf({ ...defaultPolicy, ...source.policy }))],
  );
}

/** Gives messages that were one with another the activity of that one, each its own. Those that have one keep it. Second run: no change. */
export async function copyActivities(sql: Sql, tenantId: string, pairs: { from: string; to: string }[]): Promise<void> {
  if (pairs.length === 0) return;
  const made = await sql.query<{ message_id: string }>(
    `INSERT INTO activity (tenant_id, id, message_id, type, status, owner_user_id, sort_at, rule, touched)
     SELECT $1, w.id, w.to_id, a.type, a.status, a.owner_user_id, a.sort_at, a.rule, a.touched
     FROM unnest($2::uuid[], $3::uuid[], $4::uuid[]) AS w(from_id, to_id, id) JOIN activity a ON a.tenant_id = $1 AND a.message_id = w.from_id
     ON CONFLICT DO NOTHING RETURNING message_id`,
    [tenantId, pairs.map(({ from }) => from), pairs.map(({ to }) => to), pairs.map(() => newUuid())],
  );
  const createdIds = new Set(made.map((row) => row.message_id));
  await decideActivities(sql, tenantId, { messageIds: [...createdIds], createdIds });
}
