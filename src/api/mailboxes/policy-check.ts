import { activityTypes } from '../../db/activities/types';
import type { Sql } from '../../db/database';
import { listRecordTypes } from '../../db/record-types';
import type { Policy } from '../../domain/policy';
import { mergePolicy, type PolicyChange } from '../../domain/policy-merge';
import { isBuiltInRecordType } from '../../domain/record-type';
import { liesInFuture } from '../../domain/start-point';
import { invalidField } from '../problems';

/**
 * The whole policy after a change; `present` is null for a new mailbox, `now` is when it begins.
 * @throws Problem 400 for values that do not fit each other or lie in the future
 */
export function checkedPolicy(present: Policy | null, change: PolicyChange, now: Date): Policy {
  const policy = mergePolicy(present, change);
  if (policy.folders.mode === 'selected' && policy.folders.include.length === 0) {
    throw invalidField('policy.folders.include', 'is empty, so no folder would be read.', 'Name at least one folder.');
  }
  if (present === null && policy.start.from === 'date' && liesInFuture(policy.start.date, now)) {
    throw invalidField(
      'policy.start.date',
      'lies in the future.',
      'Give a day that has begun, or {"from": "now"} for mail from now on.',
    );
  }
  if (present !== null && JSON.stringify(policy.start) !== JSON.stringify(present.start)) {
    throw invalidField(
      'policy.start',
      'cannot be changed: the start point was decided when the mailbox was connected.',
      'Leave it out.',
    );
  }
  return policy;
}

/**
 * What a policy names must be in the tenant's lists: types of activities and of records. What is left out is not looked at.
 * @throws Problem 400
 */
export async function checkNamedTypes(
  sql: Sql,
  tenantId: string,
  { activity, matchTypes }: Partial<Pick<Policy, 'activity' | 'matchTypes'>>,
): Promise<void> {
  if (activity !== undefined && activity !== null) await checkActivity(sql, tenantId, activity);
  if (matchTypes !== undefined && matchTypes !== 'all') await checkRecordTypes(sql, tenantId, matchTypes);
}

async function checkActivity(sql: Sql, tenantId: string, activity: NonNullable<Policy['activity']>): Promise<void> {
  const type = (await activityTypes(sql, tenantId)).find((one) => one.type === activity.type);
  if (type === undefined) {
    const remedy = 'Name a type of GET /v1/activity-types, or add it there.';
    throw invalidField('policy.activity.type', 'is not in your list of types.', remedy);
  }
  if (type.statuses.includes(activity.status)) return;
  throw invalidField(
    'policy.activity.status',
    'is not a status of this type.',
    `Use one of: ${type.statuses.join(', ')}.`,
  );
}

async function checkRecordTypes(sql: Sql, tenantId: string, types: string[]): Promise<void> {
  if (types.every(isBuiltInRecordType)) return;
  const own = new Set((await listRecordTypes(sql, tenantId)).map(({ type }) => type));
  const unknown = types.findIndex((type) => !isBuiltInRecordType(type) && !own.has(type));
  if (unknown === -1) return;
  throw invalidField(
    `policy.matchTypes[${String(unknown)}]`,
    'is neither built in nor one of your own.',
    'GET /v1/record-types lists the types; POST there names a new one.',
  );
}
