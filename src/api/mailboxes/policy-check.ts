import { notAvailable, type Policy } from '../../domain/policy';
import { mergePolicy, type PolicyChange } from '../../domain/policy-merge';
import { liesInFuture } from '../../domain/start-point';
import { invalidField, policyNotAvailable } from '../problems';

/**
 * The whole policy after a change; `present` is null for a new mailbox, `now` is when it begins.
 * @throws Problem 422 policy-not-available naming the values, 400 for values that do not fit each other or lie in the future
 */
export function checkedPolicy(present: Policy | null, change: PolicyChange, now: Date): Policy {
  const policy = mergePolicy(present, change);
  const missing = notAvailable(policy);
  if (missing.length > 0) throw policyNotAvailable(missing);
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
