import type { ParsedMessage } from './message';

export type Direction = 'incoming' | 'outgoing' | 'internal';

/**
 * The direction of a copy, seen from the company. `own` are the address keys of its users and of the mailbox.
 * From an own address to nobody else is internal; from an own address is outgoing; everything else is incoming.
 */
export function directionOf(message: ParsedMessage, own: ReadonlySet<string>): Direction {
  const isOwn = (key: string | null) => key !== null && own.has(key);
  if (!message.from.some((address) => isOwn(address.key))) return 'incoming';
  const recipients = [...message.to, ...message.cc, ...message.bcc];
  return recipients.length > 0 && recipients.every((address) => isOwn(address.key)) ? 'internal' : 'outgoing';
}
