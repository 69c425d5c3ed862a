import { rolesOf } from '../domain/match-headers';
import { mayHaveNumber, numberMark, numberRoles } from '../domain/matching';
import type { AddressRole, MailAddress, ParsedMessage } from '../domain/message';
import type { Policy } from '../domain/policy';

/** An address of a message that may lead to a record, and the header it stands in. */
export interface AddressToMatch {
  /** Behind `number:`, an address that is looked at for its number alone. */
  addressKey: string;
  role: AddressRole;
}

/**
 * The addresses of a message that count for matching: those in the headers that the policy names (product promise C2), each pair of
 * address and role once, in the order of the policy's headers; then those of recipients that may have a number (D1). An address without a normal
 * form matches nothing.
 */
export function addressesToMatch(message: ParsedMessage, policy: Pick<Policy, 'matchHeaders'>): AddressToMatch[] {
  const byRole: Record<AddressRole, MailAddress[]> = {
    from: message.from,
    sender: message.sender,
    'reply-to': message.replyTo,
    to: message.to,
    cc: message.cc,
    bcc: message.bcc,
    'delivered-to': message.deliveredTo,
  };
  const addressesIn = (roles: readonly AddressRole[]) =>
    roles.flatMap((role) => keysOf(byRole[role]).map((addressKey) => ({ addressKey, role })));
  const numbered = addressesIn(numberRoles).filter(mayHaveNumber);
  return [
    ...addressesIn(rolesOf(policy)),
    ...numbered.map(({ addressKey, role }) => ({ addressKey: `${numberMark}${addressKey}`, role })),
  ];
}

function keysOf(addresses: MailAddress[]): string[] {
  return [...new Set(addresses.flatMap(({ key }) => (key === null ? [] : [key])))];
}
