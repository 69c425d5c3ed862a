import { activityOf, type Activity, type ActivityFacts } from '../../domain/activity';
import type { Sql } from '../database';
import { insertRows } from '../insert-rows';
import { factsOfMessages, type RuledMessage } from './facts';
import { tellActivities, type ActivityEvent } from './tell';

/**
 * Decides the activities of these messages anew, after their links, copies, records or our own addresses changed: owner (unless a person
 * changed it), participants, companies, projects. Messages without an activity stay without. To be called under the tenant's lock, in the
 * transaction of the change and after it. Second run: no change.
 */
export function refreshActivities(sql: Sql, tenantId: string, messageIds: string[]): Promise<void> {
  return decideActivities(sql, tenantId, { messageIds, createdIds: new Set() });
}

/** The same; `createdIds` are messages whose activity has just been made, and is told as that; `changedIds` are told in any case. */
export async function decideActivities(
  sql: Sql,
  tenantId: string,
  { messageIds, createdIds, changedIds }: Deciding,
): Promise<void> {
  if (messageIds.length === 0) return;
  const stored = await storedActivities(sql, tenantId, messageIds);
  if (stored.length === 0) return;
  const facts = await factsOfMessages(sql, tenantId, stored);
  const changes = stored.flatMap((activity) => {
    const change = changeOf(activity, facts.get(activity.messageId));
    const isToTell =
      change !== null || createdIds.has(activity.messageId) || changedIds?.has(activity.messageId) === true;
    return isToTell ? [{ activity, change: change ?? activity }] : [];
  });
  await writeChanges(sql, tenantId, changes);
  await tellActivities(
    sql,
    tenantId,
    changes.map(({ activity }): ActivityEvent => {
      const type = createdIds.has(activity.messageId) ? 'activity.created' : 'activity.updated';
      return { type, activityId: activity.id, messageId: activity.messageId };
    }),
  );
}

interface Deciding {
  messageIds: string[];
  createdIds: ReadonlySet<string>;
  changedIds?: ReadonlySet<string>;
}

/** What is written of an activity, of what the rules decide. */
interface Decided {
  ownerUserId: string | null;
  sortAt: Date;
  parties: StoredParty[];
}

interface StoredActivity extends RuledMessage, Decided {
  id: string;
  touched: string[];
  /** That of the message. */
  messageSortAt: Date;
}

/** As the table has it. */
interface StoredParty {
  kind: string;
  header: string | null;
  addressKey: string | null;
  userId: string | null;
  recordId: string | null;
}

function storedActivities(sql: Sql, tenantId: string, messageIds: string[]): Promise<StoredActivity[]> {
  return sql.query<StoredActivity>(
    `SELECT a.message_id AS "messageId", a.id, a.owner_user_id AS "ownerUserId", a.touched, a.rule, a.sort_at AS "sortAt",
       m.sort_at AS "messageSortAt", m.participants,
       ARRAY(SELECT DISTINCT ca.role || ' ' || ca.address_key FROM copy c JOIN copy_address ca ON ca.tenant_id = $1 AND ca.copy_id = c.id
             WHERE c.tenant_id = $1 AND c.message_id = a.message_id ORDER BY 1) AS addresses,
       coalesce((SELECT jsonb_agg(jsonb_build_object('kind', p.kind, 'header', p.header, 'addressKey', p.address_key,
           'userId', p.user_id, 'recordId', p.record_id) ORDER BY p.n)
         FROM activity_party p WHERE p.tenant_id = $1 AND p.message_id = a.message_id), '[]') AS parties
     FROM activity a JOIN message m ON m.tenant_id = $1 AND m.id = a.message_id
     WHERE a.tenant_id = $1 AND a.message_id = ANY ($2::uuid[]) ORDER BY a.message_id`,
    [tenantId, [...new Set(messageIds)]],
  );
}

/** What is other than it is written; null where nothing is. */
function changeOf(stored: StoredActivity, facts: ActivityFacts | undefined): Decided | null {
  if (facts === undefined) return null;
  const activity = activityOf(facts);
  const ownerUserId = stored.touched.includes('owner') ? stored.ownerUserId : activity.ownerUserId;
  const decided: Decided = { ownerUserId, sortAt: stored.messageSortAt, parties: rowsOf(activity) };
  return comparable(decided) === comparable(stored) ? null : decided;
}

function comparable({ ownerUserId, sortAt, parties }: Decided): string {
  return JSON.stringify([
    ownerUserId,
    sortAt.getTime(),
    parties.map(({ kind, header, addressKey, userId, recordId }) => [kind, header, addressKey, userId, recordId]),
  ]);
}

function rowsOf({ parties, companyIds, projectIds }: Activity): StoredParty[] {
  const at = (kind: string) => (recordId: string) => {
    return { kind, header: null, addressKey: null, userId: null, recordId };
  };
  return [
    ...parties.map((party) => ({
      kind: party.kind,
      header: party.header,
      addressKey: party.key,
      userId: party.kind === 'user' ? party.userId : null,
      recordId: party.kind === 'user' ? null : party.recordId,
    })),
    ...companyIds.map(at('company')),
    ...projectIds.map(at('project')),
  ];
}

async function writeChanges(
  sql: Sql,
  tenantId: string,
  changes: { activity: StoredActivity; change: Decided }[],
): Promise<void> {
  if (changes.length === 0) return;
  const messageIds = changes.map(({ activity }) => activity.messageId);
  await Promise.all([
    sql.execute('DELETE FROM activity_party WHERE tenant_id = $1 AND message_id = ANY ($2::uuid[])', [
      tenantId,
      messageIds,
    ]),
    insertRows(
      sql,
      { table: 'activity_party', columns: partyColumns },
      changes.flatMap(({ activity, change }) =>
        change.parties.map(({ kind, header, addressKey, userId, recordId }, n) => ({
          tenant_id: tenantId,
          message_id: activity.messageId,
          n,
          kind,
          header,
          address_key: addressKey,
          user_id: userId,
          record_id: recordId,
        })),
      ),
    ),
    sql.execute(
      `UPDATE activity a SET owner_user_id = r.owner_user_id, sort_at = r.sort_at, version = a.version + 1, updated_at = now()
       FROM json_to_recordset($2::json) AS r(message_id uuid, owner_user_id uuid, sort_at timestamptz)
       WHERE a.tenant_id = $1 AND a.message_id = r.message_id`,
      [
        tenantId,
        JSON.stringify(
          changes.map(({ activity, change }) => {
            return { message_id: activity.messageId, owner_user_id: change.ownerUserId, sort_at: change.sortAt };
          }),
        ),
      ],
    ),
  ]);
}

const partyColumns = {
  tenant_id: 'uuid',
  message_id: 'uuid',
  n: 'smallint',
  kind: 'text',
  header: 'text',
  address_key: 'text',
  user_id: 'uuid',
  record_id: 'uuid',
};
