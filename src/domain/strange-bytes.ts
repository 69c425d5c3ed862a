import type { FetchedMessage, MessageEnvelope } from './folder';

/**
 * The UIDs whose bytes may be another message's (hMailServer, after an EXPUNGE in another session): the size that came with them is not the
 * one that was told before, which never changes (RFC 9051 2.3.4), or the same bytes came for two messages that were told of other sizes. That
 * bytes have another length than was told says nothing: some servers guess sizes.
 */
export function strangers(
  told: readonly MessageEnvelope[],
  came: ReadonlyMap<number, FetchedMessage>,
): ReadonlySet<number> {
  const strange = new Set<number>();
  const byLength = new Map<number, { told: MessageEnvelope; raw: Buffer }[]>();
  for (const envelope of told) {
    const message = came.get(envelope.uid);
    if (message === undefined) continue;
    if (envelope.size > 0 && message.size !== envelope.size) strange.add(envelope.uid);
    const alike = byLength.get(message.raw.length) ?? [];
    for (const other of alike) {
      if (other.told.size === envelope.size || !other.raw.equals(message.raw)) continue;
      strange.add(envelope.uid).add(other.told.uid);
    }
    byLength.set(message.raw.length, [...alike, { told: envelope, raw: message.raw }]);
  }
  return strange;
}
