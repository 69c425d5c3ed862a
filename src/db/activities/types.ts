import type { Sql } from '../database';
import { insertRows } from '../insert-rows';

/** A type of activity of the tenant's own list, with the statuses that it may have. */
export interface ActivityType {
  type: string;
  name: string;
  statuses: string[];
  /** False: a CRM keeps activities of this type out of calendars. */
  calendarSync: boolean;
  version: number;
  createdAt: Date;
  updatedAt: Date;
}

export type ActivityTypeValues = Pick<ActivityType, 'type' | 'name' | 'statuses' | 'calendarSync'>;

/** The list that a tenant begins with, and again after its last type was taken away. */
const firstTypes: readonly ActivityTypeValues[] = [
  { type: 'email', name: 'Email', statuses: ['open', 'done'], calendarSync: false },
];

const columns = `type, name, statuses, calendar_sync AS "calendarSync", version, created_at AS "createdAt", updated_at AS "updatedAt"`;

/** The types of a tenant by name of the type, at most `maxTypes`; where there are none yet, the first ones are written. */
export async function activityTypes(sql: Sql, tenantId: string): Promise<ActivityType[]> {
  const read = () =>
    sql.query<ActivityType>(`SELECT ${columns} FROM activity_type WHERE tenant_id = $1 ORDER BY type`, [tenantId]);
  const types = await read();
  if (types.length > 0) return types;
  await insertRows(
    sql,
    { table: 'activity_type', columns: typeColumns, onConflict: 'ON CONFLICT DO NOTHING' },
    firstTypes.map((values) => rowOf(tenantId, values)),
  );
  return read();
}

/** Writes a new type. False where there is one of that name. */
export async function createActivityType(sql: Sql, tenantId: string, values: ActivityTypeValues): Promise<boolean> {
  await activityTypes(sql, tenantId);
  const into = { table: 'activity_type', columns: typeColumns, onConflict: 'ON CONFLICT DO NOTHING' };
  return (await insertRows(sql, into, [rowOf(tenantId, values)])) > 0;
}

/** Writes all values of a type that is there. */
export async function replaceActivityType(sql: Sql, tenantId: string, values: ActivityTypeValues): Promise<void> {
  await sql.execute(
    `UPDATE activity_type SET name = $3, statuses = $4, calendar_sync = $5, version = version + 1, updated_at = now()
     WHERE tenant_id = $1 AND type = $2`,
    [tenantId, values.type, values.name, values.statuses, values.calendarSync],
  );
}

/** Takes a type away; false where there is none. */
export async function removeActivityType(sql: Sql, tenantId: string, type: string): Promise<boolean> {
  return (await sql.execute('DELETE FROM activity_type WHERE tenant_id = $1 AND type = $2', [tenantId, type])) > 0;
}

/** What uses a type, or some of its statuses. */
export interface TypeInUse {
  activities: boolean;
  /** Mailboxes whose policy makes such activities: the first of them. Ids are UUIDs. */
  mailboxIds: string[];
}

const mailboxesNamed = 10;

/** Who uses a type with one of these statuses; with any, where `statuses` is null. */
export async function usesOfType(
  sql: Sql,
  tenantId: string,
  { type, statuses }: { type: string; statuses: string[] | null },
): Promise<TypeInUse> {
  const values = [tenantId, type, statuses];
  const [[activities], mailboxes] = await Promise.all([
    sql.query<{ used: boolean }>(
      `SELECT EXISTS (SELECT FROM activity WHERE tenant_id = $1 AND type = $2 AND ($3::text[] IS NULL OR status = ANY ($3))) AS used`,
      values,
    ),
    sql.query<{ id: string }>(
      `SELECT id FROM source WHERE tenant_id = $1 AND deleted_at IS NULL AND policy -> 'activity' ->> 'type' = $2
         AND ($3::text[] IS NULL OR policy -> 'activity' ->> 'status' = ANY ($3)) ORDER BY id LIMIT ${String(mailboxesNamed)}`,
      values,
    ),
  ]);
  return { activities: activities?.used ?? false, mailboxIds: mailboxes.map(({ id }) => id) };
}

const typeColumns = {
  tenant_id: 'uuid',
  type: 'text',
  name: 'text',
  statuses: 'text[]',
  calendar_sync: 'boolean',
};

function rowOf(tenantId: string, { type, name, statuses, calendarSync }: ActivityTypeValues) {
  return { tenant_id: tenantId, type, name, statuses, calendar_sync: calendarSync };
}
