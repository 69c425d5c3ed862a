import { notAvailable, type Policy } from '../../domain/policy';
import { mergePolicy, type PolicyChange } from '../../domain/policy-merge';
import { invalidField, policyNotAvailable } from '../problems';

/**
 * The whole policy after a change; `present` is null for a new mailbox.
 * @throws Problem 422 policy-not-available naming the values, 400 for values that do not fit each other
 */
export function checkedPolicy(present: Policy | null, change: PolicyChange): Policy {
  const policy = mergePolicy(present, change);
  const missing = notAvailable(policy);
  if (missing.length > 0) throw policyNotAvailable(missing);
  if (policy.folders.mode === 'selected' && policy.folders.include.length === 0) {
    throw invalidField('policy.folders.include', 'is empty, so no folder would be read.', 'Name at least one folder.');
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
