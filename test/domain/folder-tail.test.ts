import { newsOfTail, type RecordedTail, type ShownTail } from '../../src/domain/folder-tail';
import { absentFrom, outside, rangesOf } from '../../src/domain/uid-set';

/** Messages 1 to 10 are in the ledger; the tail begins at 8, and 11 has come. */
const cursor = { uidNext: 11, exists: 10 };
const shownTail: ShownTail = { snapshot: { uidNext: 12, messages: 11 }, from: 8, uids: [8, 9, 10, 11], changed: [11] };
const recordedTail: RecordedTail = { live: rangesOf([8, 9, 10]), known: rangesOf([8, 9, 10]), changedBelow: 0 };
const newsOf = (shown: Partial<ShownTail> = {}, recorded: Partial<RecordedTail> = {}) =>
  newsOfTail(cursor, { ...shownTail, ...shown }, { ...recordedTail, ...recorded });

test('an arrival is what the tail shows and the ledger has not', () => {
  expect(newsOf()).toEqual({ kind: 'told', fresh: [11], gone: [] });
});

test('a changed flag below the tail is no news of the messages', () => {
  expect(newsOf({ changed: [3, 11] }, { changedBelow: 1 })).toEqual({ kind: 'told', fresh: [11], gone: [] });
});

test('a message that has gone from the tail is named', () => {
  const shown = { uids: [8, 10, 11], snapshot: { uidNext: 12, messages: 10 } };
  expect(newsOf(shown)).toEqual({ kind: 'told', fresh: [11], gone: [9] });
});

test('a message that comes late into the tail is fetched, although another has gone and the count is the same', () => {
  const recorded = { live: rangesOf([8, 10]), known: rangesOf([8, 10]) };
  const late = newsOfTail(
    { uidNext: 11, exists: 9 },
    { ...shownTail, uids: [8, 9, 11], changed: [9, 11], snapshot: { uidNext: 12, messages: 10 } },
    { ...recordedTail, ...recorded },
  );
  expect(late).toEqual({ kind: 'told', fresh: [9, 11], gone: [10] });
});

test('one that arrived after the folder was opened is fetched too, and not counted', () => {
  expect(newsOf({ uids: [8, 9, 10, 11, 12] })).toEqual({ kind: 'told', fresh: [11, 12], gone: [] });
});

test('one that was recorded above the cursor and has gone since is named', () => {
  const recorded = { live: rangesOf([8, 9, 10, 11]), known: rangesOf([8, 9, 10, 11]) };
  const shown = { uids: [8, 9, 10, 12], changed: [12], snapshot: { uidNext: 13, messages: 11 } };
  expect(newsOf(shown, recorded)).toEqual({ kind: 'told', fresh: [12], gone: [11] });
});

test.each([
  ['a message has gone from below the tail', 'count-differs', { snapshot: { uidNext: 12, messages: 10 } }, {}],
  ['more messages are there than came', 'count-differs', { snapshot: { uidNext: 12, messages: 12 } }, {}],
  ['a message below the tail is new', 'shown-late', { changed: [4, 11] }, {}],
  ['the tail leaves out an arrival', 'changed-but-not-shown', { uids: [8, 9, 10] }, {}],
  ['an arrival is not counted as a change', 'arrival-not-counted', { changed: [] }, {}],
  [
    'a message that had ended is there',
    'shown-again',
    { snapshot: { uidNext: 12, messages: 12 } },
    { live: rangesOf([8, 10]) },
  ],
] as const)('where %s only all UIDs can tell: %s', (_, reason, shown, recorded) => {
  expect(newsOf(shown, recorded)).toEqual({ kind: 'doubtful', reason });
});

/** A small generator of numbers that are the same in every run. */
function numbersFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

test('whatever comes, goes and comes late at a server that counts, what is told is the difference of all UIDs', () => {
  const random = numbersFrom(15);
  let told = 0;
  for (let story = 0; story < 4_000; story += 1) {
    const uidNext = 20 + Math.floor(random() * 10);
    const before = Array.from({ length: uidNext - 1 }, (_, at) => at + 1).filter(() => random() < 0.8);
    const kept = before.filter(() => random() < 0.95);
    const missed = Array.from({ length: uidNext - 1 }, (_, at) => at + 1).filter((uid) => !before.includes(uid));
    const late = missed.filter(() => random() < 0.03);
    const arrived = Array.from({ length: Math.floor(random() * 4) }, (_, at) => uidNext + at);
    const now = [...kept, ...late, ...arrived].sort((one, other) => one - other);
    const flagged = kept.filter(() => random() < 0.1);
    const changed = [...flagged, ...late, ...arrived].sort((one, other) => one - other);
    const from = 1 + Math.floor(random() * uidNext);
    const ledger = rangesOf(before.filter((uid) => uid >= from));
    const news = newsOfTail(
      { uidNext, exists: before.length },
      {
        snapshot: { uidNext: uidNext + arrived.length, messages: now.length },
        from,
        uids: now.filter((uid) => uid >= from),
        changed,
      },
      { live: ledger, known: ledger, changedBelow: changed.filter((uid) => uid < from && before.includes(uid)).length },
    );
    if (news.kind !== 'told') continue;
    told += 1;
    expect(news.fresh).toEqual(outside(now, rangesOf(before)));
    expect(news.gone).toEqual(absentFrom(rangesOf(before), now));
  }
  expect(told).toBeGreaterThan(500);
});
