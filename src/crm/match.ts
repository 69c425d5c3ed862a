import { rolesOf } from '../domain/match-headers';
import type { AddressRole, MailAddress, ParsedMessage } from '../domain/message';
import type { Policy } from '../domain/policy';

/** An address of a message that may lead to a record, and the header it stands in. */
export interface AddressToMatch {
  addressKey: string;
  role: AddressRole;
}

/**
 * The addresses of a message that count for matching: those in the headers that the policy names (product promise C2), each pair of
 * address and role once, in the order of the policy's headers. An address without a normal form matches nothing.
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
  return rolesOf(policy).flatMap((role) => keysOf(byRole[role]).map((addressKey) => ({ addressKey, role })));
}

function keysOf(addresses: MailAddress[]): string[] {
  return [...new Set(addresses.flatMap(({ key }) => (key === null ? [] : [key])))];
}
