import fc from 'fast-check';

import { decideRemovals, type Evidence, type RemovalCandidate, type Sighting } from '../../src/domain/removal';

const folders = ['inbox', 'archive', 'sent'] as const;
type Folder = (typeof folders)[number];

const folder = fc.constantFrom(...folders);
const message = fc.nat(5);

/** What people do to an account, and what rounds see of it: one folder at a time, in any order. */
const step = fc.oneof(
  fc.record({ what: fc.constant('arrives' as const), message, in: folder }),
  fc.record({ what: fc.constant('moves' as const), message, in: folder, to: folder }),
  fc.record({ what: fc.constant('copied' as const), message, in: folder, to: folder }),
  fc.record({ what: fc.constant('goes' as const), message, in: folder }),
  fc.record({ what: fc.constant('seen' as const), in: folder, bodies: fc.boolean() }),
);
type Step = typeof step extends fc.Arbitrary<infer One> ? One : never;

/** Sizes and dates are seldom unique: two messages here have the same. */
const sizeOf = (number: number) => 100 + (number >> 1);
const dateOf = (number: number) => 1_000 + number;
/** Every third message names none. */
const messageIdHashOf = (number: number) => (number % 3 === 0 ? null : `hash ${String(number)}`);

class Account {
  readonly server = new Set<string>();
  readonly ledger = new Set<string>();
  readonly recorded = new Set<number>();

  take(one: Step): void {
    if (one.what === 'seen') {
      this.see(one.in, one.bodies);
      return;
    }
    const from = `${String(one.message)} ${one.in}`;
    if (one.what === 'arrives') this.server.add(from);
    else if (this.server.has(from)) {
      if (one.what !== 'copied') this.server.delete(from);
      if (one.what !== 'goes') this.server.add(`${String(one.message)} ${one.to}`);
    }
  }

  /** A round over one folder: what has gone has ended; what is new gets its placement where its bytes came. */
  private see(where: Folder, bodies: boolean): void {
    for (const number of [0, 1, 2, 3, 4, 5]) {
      const key = `${String(number)} ${where}`;
      if (!this.server.has(key)) this.ledger.delete(key);
      else if (bodies) {
        this.ledger.add(key);
        this.recorded.add(number);
      }
    }
  }

  candidates(state: RemovalCandidate['state'], hasIds: boolean): RemovalCandidate[] {
    return [...this.recorded].map((number) => ({
      copyId: String(number),
      state,
      livePlacements: folders.filter((where) => this.ledger.has(`${String(number)} ${where}`)).length,
      traits: [
        {
          providerId: hasIds ? `id ${String(number)}` : null,
          messageIdHash: messageIdHashOf(number),
          size: sizeOf(number),
          internalDate: dateOf(number),
        },
      ],
      isDue: true,
      overdueMs: 0,
    }));
  }

  /** What a look at all folders shows that no placement stands for; `telling` is what this server says of a message. */
  look(telling: 'all' | 'size' | 'date' | 'nothing'): Evidence {
    const seen = [...this.server]
      .filter((key) => !this.ledger.has(key))
      .map((key, at): Sighting => {
        const number = Number(key.split(' ')[0]);
        return {
          genId: 1,
          uid: at,
          is: 'standing',
          providerId: null,
          messageIdHash: telling === 'all' ? messageIdHashOf(number) : null,
          size: telling === 'all' || telling === 'size' ? sizeOf(number) : null,
          internalDate: telling === 'all' || telling === 'date' ? dateOf(number) : null,
        };
      });
    return { proven: true, seen };
  }

  isThere(copyId: string): boolean {
    return folders.some((where) => this.server.has(`${copyId} ${where}`));
  }
}

const rule = { above: 1_000, percent: 100, alive: 0, thrownAway: new Set<string>(), unknownAfterMs: 1 };

test('however messages move between folders, and however late rounds see it, nothing that is there is removed', () => {
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 60, size: 'max' }),
      fc.constantFrom('all' as const, 'size' as const, 'date' as const, 'nothing' as const),
      fc.constantFrom('waiting' as const, 'confirmed' as const),
      fc.boolean(),
      (steps, telling, state, hasIds) => {
        const account = new Account();
        for (const one of steps) account.take(one);
        const verdicts = decideRemovals(account.candidates(state, hasIds), account.look(telling), rule);
        const removed = [...verdicts].flatMap(([copyId, verdict]) => (verdict === 'remove' ? [copyId] : []));
        expect(removed.filter((copyId) => account.isThere(copyId))).toEqual([]);
      },
    ),
    { numRuns: 500 },
  );
});

test('once rounds have seen all folders, exactly what is nowhere any more is removed', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60, size: 'max' }), (steps) => {
      const account = new Account();
      for (const one of steps) account.take(one);
      for (const where of folders) account.take({ what: 'seen', in: where, bodies: true });
      const verdicts = decideRemovals(account.candidates('waiting', true), account.look('all'), rule);
      const removed = [...verdicts].flatMap(([copyId, verdict]) => (verdict === 'remove' ? [copyId] : []));
      expect(removed.sort()).toEqual(
        [...account.recorded]
          .map(String)
          .filter((id) => !account.isThere(id))
          .sort(),
      );
    }),
    { numRuns: 300 },
  );
});
