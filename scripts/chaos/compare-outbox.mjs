// @ts-check
import { grouped } from './grouped.mjs';

/**
 * @typedef {{stream: string, epoch: number, seq: number, eventId: string, xact: string, type: string, ids: Record<string, unknown>}} OutboxRow in the order of stream, epoch, seq
 * @typedef {{sourceId: string, mailbox: string, epoch: number, nextSeq: number}} StreamRow
 * @typedef {import('./compare.mjs').Facts} Facts
 * @typedef {import('./compare.mjs').Violation} Violation
 */

/**
 * Each event once and in order: numbers without holes or doubles in a stream, in the order of their transactions; what is told of a copy and of a
 * placement follows from the one before, and the last that was told is what is so.
 * @param {Facts} facts @returns {Violation[]}
 */
export function outboxViolations(facts) {
  const byStream = grouped(facts.outbox, ({ stream }) => stream);
  return [
    ...facts.streams.flatMap((stream) => numberViolations(stream, byStream.get(stream.sourceId) ?? [])),
    ...doubledIds(facts.outbox),
    ...copyStories(facts),
    ...placementStories(facts),
  ];
}

/** @param {StreamRow} stream @param {OutboxRow[]} rows @returns {Violation[]} */
function numberViolations({ mailbox, epoch, nextSeq }, rows) {
  /** @type {Violation[]} */
  const found = [];
  const own = rows.filter((row) => row.epoch === epoch);
  let before = { seq: 0, xact: 0n };
  for (const row of own) {
    const [seq, xact] = [row.seq, BigInt(row.xact)];
    if (seq !== before.seq + 1)
      found.push({ kind: 'event-number', what: `${mailbox}: event ${seq} follows ${before.seq}` });
    if (xact < before.xact)
      found.push({
        kind: 'event-order',
        what: `${mailbox}: event ${seq} was written by an earlier transaction than ${before.seq}`,
      });
    before = { seq, xact };
  }
  if (nextSeq !== before.seq + 1)
    found.push({ kind: 'event-number', what: `${mailbox}: the next event is ${nextSeq}, the last ${before.seq}` });
  return found;
}

/** @param {OutboxRow[]} rows @returns {Violation[]} */
function doubledIds(rows) {
  const doubled = [...grouped(rows, ({ eventId }) => eventId).values()].filter((same) => same.length > 1);
  return doubled.map(([row]) => ({ kind: 'event-doubled', what: `event id ${row?.eventId} is there more than once` }));
}

/** A copy is recorded once, then perhaps removed once; whether it is there says which. @param {Facts} facts @returns {Violation[]} */
function copyStories({ outbox, copies, shown }) {
  const about = outbox.filter(({ type }) => type === 'message.recorded' || type === 'message.removed');
  const stories = grouped(about, ({ ids }) => String(ids.copyId));
  const there = new Map(copies.map((copy) => [copy.id, copy]));
  const keeps = new Set(shown.filter(({ removals }) => removals === 'keep').map(({ sourceId }) => sourceId));
  return [
    ...[...stories].flatMap(([copyId, rows]) =>
      storyViolations(copyId, rows, { copy: there.get(copyId), isKept: keeps.has(rows[0]?.stream ?? '') }),
    ),
    ...copies
      .filter(({ id }) => !stories.has(id))
      .map(({ id, tenantId, messageId }) => ({
        kind: 'event-missing',
        what: `nobody was told of copy ${id}`,
        tenantId,
        messageId,
      })),
  ];
}

/**
 * @param {string} copyId @param {OutboxRow[]} rows
 * @param {{copy: import('./compare.mjs').CopyRow | undefined, isKept: boolean}} now @returns {Violation[]}
 */
function storyViolations(copyId, rows, { copy, isKept }) {
  const story = rows.map(({ type }) => type.replace('message.', '')).join(', ');
  const about = copy === undefined ? {} : { tenantId: copy.tenantId, messageId: copy.messageId };
  if (copy === undefined && story !== 'recorded, removed')
    return [{ kind: 'vanished-copy', what: `of copy ${copyId}, which is not there, was told: ${story}` }];
  if (copy !== undefined && story !== 'recorded')
    return [{ kind: 'event-story', what: `of copy ${copyId}, which is there, was told: ${story}`, ...about }];
  return isKept && copy === undefined
    ? [{ kind: 'removed-though-kept', what: `copy ${copyId} of a mailbox that keeps was removed` }]
    : [];
}

/** A placement ends, comes back, ends again. @param {Facts} facts @returns {Violation[]} */
function placementStories({ outbox, ledger }) {
  /** @type {Map<string, string[]>} */
  const stories = new Map();
  for (const { type, ids } of outbox) {
    if (type !== 'placement.ended' && type !== 'placement.revived') continue;
    for (const uid of ids.uids) {
      const place = `${ids.genId}/${uid}`;
      stories.set(place, [...(stories.get(place) ?? []), type.replace('placement.', '')]);
    }
  }
  /** @type {Violation[]} */
  const found = [];
  for (const [place, story] of stories) {
    if (story.some((word, index) => word !== (index % 2 === 0 ? 'ended' : 'revived')))
      found.push({ kind: 'event-story', what: `of placement ${place} was told: ${story.join(', ')}` });
  }
  for (const { genId, uid, presence } of ledger) {
    const last = stories.get(`${genId}/${uid}`)?.at(-1) ?? 'live from the start';
    if ((last === 'ended') !== (presence !== 'live'))
      found.push({
        kind: 'event-missing',
        what: `placement ${genId}/${uid} is ${presence}, and the last that was told of it is: ${last}`,
      });
  }
  return found;
}
