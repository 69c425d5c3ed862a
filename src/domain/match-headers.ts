import type { AddressRole } from './message';
import type { MatchHeader, Policy } from './policy';

/** The role under which an address is kept that stands in a header which may lead to a record. */
export const roleOfHeader = {
  From: 'from',
  Sender: 'sender',
  'Reply-To': 'reply-to',
  To: 'to',
  Cc: 'cc',
  Bcc: 'bcc',
  'Delivered-To': 'delivered-to',
} as const satisfies Record<MatchHeader, AddressRole>;

/** The roles that count under a policy's `matchHeaders`, each once, in the order of its headers. */
export function rolesOf(policy: Pick<Policy, 'matchHeaders'>): AddressRole[] {
  return [...new Set(policy.matchHeaders.map((header) => roleOfHeader[header]))];
}
