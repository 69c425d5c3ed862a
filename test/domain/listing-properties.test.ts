import fc from 'fast-check';

import { planFetch, type BatchLimits } from '../../src/domain/batches';
import { believedListing } from '../../src/domain/believed-listing';
import type { FolderStatus, UidListing } from '../../src/domain/folder';
import { looksLimited, unlessWindow, wantsOtherRoutes, withOtherRoutes } from '../../src/domain/partial-listing';
import { absentFrom, outside, rangesOf } from '../../src/domain/uid-set';

const ascending = (uids: Iterable<number>) => [...uids].sort((one, other) => one - other);

const uids = (max = 80) => fc.uniqueArray(fc.integer({ min: 1, max }), { maxLength: 60 }).map(ascending);

const limits: fc.Arbitrary<BatchLimits> = fc.record({
  messages: fc.integer({ min: 1, max: 7 }),
  bytes: fc.integer({ min: 1, max: 200 }),
  streamAboveBytes: fc.integer({ min: 1, max: 120 }),
  maxMessageBytes: fc.integer({ min: 1, max: 160 }),
});

/** One answer of a server: how much of it comes, what comes unasked, whether it breaks off, and what arrives or goes meanwhile. */
const answer = fc.record({
  shown: fc.infiniteStream(fc.boolean()),
  unasked: fc.array(fc.integer({ min: 1, max: 80 }), { maxLength: 3 }),
  breaksAfter: fc.option(fc.nat(20)),
  arrives: fc.array(fc.integer({ min: 1, max: 20 }), { maxLength: 3 }),
  goes: fc.nat(9),
});

type Answer = typeof answer extends fc.Arbitrary<infer One> ? One : never;

/** A folder and its ledger, brought together by rounds as sync-folder.ts makes them, over a server that answers in part. */
class Rounds {
  readonly server: Set<number>;
  readonly ledger = new Set<number>();
  /** All that was ever in the folder. */
  readonly ever: Set<number>;

  constructor(
    start: number[],
    private readonly limits: BatchLimits,
    private readonly sizeOf: (uid: number) => number,
  ) {
    this.server = new Set(start);
    this.ever = new Set(start);
  }

  round({ shown, unasked, breaksAfter, arrives, goes }: Answer): void {
    const listed = ascending([...this.server].filter(() => shown.next().value));
    const missing = outside(listed, rangesOf(ascending(this.ledger)));
    const plan = planFetch(
      missing.map((uid) => ({ uid, size: this.sizeOf(uid) })),
      this.limits,
    );
    for (const step of arrives) this.arrive(Math.max(0, ...this.ever) + step);
    if (goes === 0) this.server.delete(Math.min(...this.server));
    let came = 0;
    for (const batch of [...plan.batches, ...plan.streamed.map((one) => [one]), ...plan.tooLarge.map((one) => [one])]) {
      // What comes is what the server pleases; only what was asked for, and came, gets its row.
      const delivered = [...batch.filter(() => shown.next().value).map(({ uid }) => uid), ...unasked];
      for (const { uid } of batch) {
        if (breaksAfter !== null && came >= breaksAfter) return;
        if (delivered.includes(uid) && this.server.has(uid)) this.ledger.add(uid);
        came += 1;
      }
    }
  }

  private arrive(uid: number): void {
    this.server.add(uid);
    this.ever.add(uid);
  }
}

test('no sequence of partial answers loses a UID: a whole answer brings all that is still there', () => {
  fc.assert(
    fc.property(uids(), limits, fc.array(answer, { maxLength: 8 }), fc.nat(200), (start, of, answers, seed) => {
      const rounds = new Rounds(start, of, (uid) => (uid * 37 + seed) % 200);
      for (const one of answers) {
        rounds.round(one);
        // No row for what the folder never had.
        expect([...rounds.ledger].filter((uid) => !rounds.ever.has(uid))).toEqual([]);
      }
      const whole = { shown: endless(), unasked: [], breaksAfter: null, arrives: [], goes: 1 };
      rounds.round(whole);
      expect([...rounds.server].filter((uid) => !rounds.ledger.has(uid))).toEqual([]);
    }),
  );
});

function endless(): fc.Stream<boolean> {
  return new fc.Stream(
    (function* () {
      for (;;) yield true;
    })(),
  );
}

test('what the server shows is either in the ledger or missing, and never both', () => {
  fc.assert(
    fc.property(uids(), uids(), (listed, ledger) => {
      const missing = outside(listed, rangesOf(ledger));
      const known = new Set(ledger);
      expect(listed.every((uid) => known.has(uid) !== missing.includes(uid))).toBe(true);
      const absent = absentFrom(rangesOf(ledger), listed);
      expect(ascending([...listed, ...absent])).toEqual(ascending(new Set([...listed, ...ledger])));
    }),
  );
});

test('a plan holds each message once, and each batch is within its bounds', () => {
  const items = fc.uniqueArray(fc.record({ uid: fc.integer({ min: 1, max: 500 }), size: fc.nat(200) }), {
    selector: ({ uid }) => uid,
  });
  fc.assert(
    fc.property(items, limits, (all, of) => {
      const plan = planFetch(all, of);
      const placed = [...plan.batches.flat(), ...plan.streamed, ...plan.tooLarge].map(({ uid }) => uid);
      expect(ascending(placed)).toEqual(ascending(all.map(({ uid }) => uid)));
      for (const batch of plan.batches) {
        expect(batch.length).toBeGreaterThan(0);
        expect(batch.length).toBeLessThanOrEqual(of.messages);
        const bytes = batch.reduce((sum, { size }) => sum + size, 0);
        expect(batch.length === 1 || bytes <= of.bytes).toBe(true);
      }
    }),
  );
});

const doubts = ['count-differs', 'search-refused', 'uidvalidity-changed', 'message-limit', 'range'] as const;
const listing: fc.Arbitrary<UidListing> = fc.oneof(
  uids().map((shown): UidListing => ({ proven: true, uids: shown })),
  fc.tuple(uids(), fc.constantFrom(...doubts)).map(([shown, reason]): UidListing => {
    return { proven: false, uids: shown, reason };
  }),
);
const status: fc.Arbitrary<FolderStatus | null> = fc.option(
  fc.record({
    uidValidity: fc.constantFrom('1', '2'),
    uidNext: fc.integer({ min: 1, max: 100 }),
    messages: fc.nat(100),
    highestModseq: fc.constant(null),
  }),
);

test('a partial listing is never called complete, whatever STATUS says', () => {
  fc.assert(
    fc.property(listing, status, (shown, told) => {
      const believed = believedListing(shown, { status: told, uidValidity: '1' });
      // What was seen stays seen.
      expect(believed.uids).toEqual(shown.uids);
      const isPart = !shown.proven || (told?.uidValidity === '1' && told.messages > shown.uids.length);
      expect(isPart && believed.proven).toBe(false);
    }),
  );
});

test('a server that counts right and shows less is not believed, however it cuts the folder', () => {
  fc.assert(
    fc.property(uids(), fc.infiniteStream(fc.boolean()), (inFolder, cut) => {
      const part = inFolder.filter(() => cut.next().value);
      fc.pre(part.length < inFolder.length);
      // EXISTS is what it shows; STATUS is the truth.
      const told = { uidValidity: '1', uidNext: 100, messages: inFolder.length, highestModseq: null };
      expect(believedListing({ proven: true, uids: part }, { status: told, uidValidity: '1' }).proven).toBe(false);
    }),
  );
});

test('a listing that is whole is believed', () => {
  fc.assert(
    fc.property(uids(), (shown) => {
      const told = { uidValidity: '1', uidNext: 100, messages: shown.length, highestModseq: null };
      const of = { status: told, uidValidity: '1' };
      expect(believedListing({ proven: true, uids: shown }, of)).toEqual({ proven: true, uids: shown });
    }),
  );
});

test('other ways to list a folder only add, and make nothing proven', () => {
  fc.assert(
    fc.property(listing, uids(), fc.option(fc.nat(200)), (shown, others, counted) => {
      fc.pre(wantsOtherRoutes(shown));
      const all = ascending(new Set([...shown.uids, ...others]));
      const joined = withOtherRoutes(shown, { uids: all, counted: counted ?? all.length });
      expect(joined.proven).toBe(false);
      expect(shown.uids.filter((uid) => !joined.uids.includes(uid))).toEqual([]);
    }),
  );
});

test('the newest of a folder are never taken for all of it where older ones are on record', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 5_000 }), (thousands, from) => {
      const window = Array.from({ length: thousands * 1_000 }, (_, at) => from + 1 + at);
      const shown: UidListing = { proven: true, uids: window };
      expect(looksLimited(shown)).toBe(true);
      const live = [{ from, to: from + window.length }];
      expect(unlessWindow(shown, { live, gmail: false }).proven).toBe(false);
    }),
    { numRuns: 20 },
  );
});
