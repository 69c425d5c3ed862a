import type { FetchedMessage, MessageEnvelope } from './folder';

/** The same bytes that came for more messages than these were delivered so often, by whoever sends them. */
export const mostTwins = 3;

/**
 * The UIDs whose bytes may be another message's (hMailServer, after an EXPUNGE in another session): the size that came with them is not the
 * one that was told before, which never changes (RFC 9051 2.3.4), or the same bytes came for two messages that were told of other sizes, or,
 * for a few, of other times of arrival. That bytes have another length than was told says nothing: some servers guess sizes.
 */
export function strangers(
  told: readonly MessageEnvelope[],
  came: ReadonlyMap<number, FetchedMessage>,
): ReadonlySet<number> {
  const strange = new Set<number>();
  for (const envelope of told) {
    const message = came.get(envelope.uid);
    if (message !== undefined && envelope.size > 0 && message.size !== envelope.size) strange.add(envelope.uid);
  }
  for (const twins of twinsAmong(told, came)) {
    if (isDoubtful(twins)) for (const { uid } of twins) strange.add(uid);
  }
  return strange;
}

/** Messages that the same bytes came for. */
function twinsAmong(told: readonly MessageEnvelope[], came: ReadonlyMap<number, FetchedMessage>): MessageEnvelope[][] {
  const byLength = new Map<number, { raw: Buffer; told: MessageEnvelope[] }[]>();
  for (const envelope of told) {
    const raw = came.get(envelope.uid)?.raw;
    if (raw === undefined) continue;
    const alike = byLength.get(raw.length) ?? [];
    const twins = alike.find((other) => other.raw.equals(raw));
    if (twins === undefined) byLength.set(raw.length, [...alike, { raw, told: [envelope] }]);
    else twins.told.push(envelope);
  }
  return [...byLength.values()].flat().map((twins) => twins.told);
}

function isDoubtful(twins: MessageEnvelope[]): boolean {
  if (new Set(twins.map(({ size }) => size)).size > 1) return true;
  const arrivals = new Set(twins.flatMap(({ internalDate }) => internalDate?.getTime() ?? []));
  return twins.length <= mostTwins && arrivals.size > 1;
}
