import { refusalOf, type ActivityRefusal } from '../domain/activity';
import type { ParsedMessage } from '../domain/message';
import type { Policy } from '../domain/policy';

/**
 * Why the policy of a source does not take a message in, or null (product promise C10). Senders and recipients are those that stand in the
 * message; where it was delivered says nothing of who was written to.
 */
export function refusedBy(
  message: ParsedMessage,
  { policy, userAddresses }: { policy: Pick<Policy, 'activity'>; userAddresses: ReadonlySet<string> },
): ActivityRefusal | null {
  if (policy.activity === null) return null;
  const people = [message.from, message.sender, message.to, message.cc, message.bcc].flat();
  const keys = people.flatMap(({ key }) => key ?? []);
  return refusalOf(policy.activity, { keys, subject: message.subject }, userAddresses);
}
