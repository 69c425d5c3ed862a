import { createHash } from 'node:crypto';

import fc from 'fast-check';

import { MailFailure } from '../../../src/domain/failure';
import type { BatchItem } from '../../../src/db/ingest/batch';
import { beginGeneration } from '../../../src/db/ingest/generation-write';
import { endPlacements, revivePlacements } from '../../../src/db/ingest/presence-write';
import { recordBatch } from '../../../src/db/ingest/record-batch';
import { newUuid } from '../../../src/db/new-id';
import { createTestDatabase, type TestDatabase } from '../../support/database';
import { aMailbox, parsedMessage, type TestMailbox } from '../../support/mail-rows';

/*
 * What rounds write of two folders: what has come (some of it cannot be read, and is replayed), what has gone by a move or for good, what is shown
 * again, and at the end a new UIDVALIDITY of the second folder with what is left there. The writes of one UID follow one another, and nothing is
 * written to a generation after it was retired; all else may come in any order, and any write once more at any later time, because a run that was
 * taken for dead goes on. Whatever the order, the rows are the same in the end.
 */

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

type Place = 'first' | 'second' | 'second again';

/** A write, and those that must be made before it. */
interface Write {
  what: 'arrives' | 'replayed' | 'goes' | 'shown-again' | 'retired';
  number: number;
  place: Place;
  after: Write[];
}

const life = fc.record({
  /** It cannot be read when it comes, and is replayed later. */
  isPoison: fc.boolean(),
  begins: fc.constantFrom('first' as const, 'second' as const),
  /** What becomes of it where it is, one after the other. */
  turns: fc.constantFrom<('goes' | 'moves' | 'shown-again')[][]>(
    [],
    ['goes'],
    ['moves'],
    ['goes', 'shown-again'],
    ['moves', 'goes'],
    ['goes', 'shown-again', 'goes'],
    ['moves', 'goes', 'shown-again'],
  ),
});
type Life = typeof life extends fc.Arbitrary<infer One> ? One : never;

/** All writes of these lives, in an order in which they may come. */
function writesOf(lives: readonly Life[]): Write[] {
  const writes: Write[] = [];
  const add = (what: Write['what'], at: Pick<Write, 'number' | 'place'>, after: (Write | undefined)[]): Write => {
    const write = { what, ...at, after: after.filter((one) => one !== undefined) };
    writes.push(write);
    return write;
  };
  const left: number[] = [];
  for (const [number, { isPoison, begins, turns }] of lives.entries()) {
    let place: Place = begins;
    let last = add('arrives', { number, place }, []);
    if (isPoison) add('replayed', { number, place }, [last]);
    let isThere = true;
    for (const turn of turns) {
      if (turn === 'moves') {
        if (isPoison || place === 'second') continue;
        add('goes', { number, place }, [last]);
        place = 'second';
        last = add('arrives', { number, place }, []);
      } else {
        isThere = turn === 'shown-again';
        last = add(turn, { number, place }, [last]);
      }
    }
    if (isThere && place === 'second') left.push(number);
  }
  const before = writes.filter(({ place, what }) => place === 'second' && what !== 'goes');
  // What was seen to go, and came back, must have gone first.
  const retired = add('retired', { number: -1, place: 'second' }, before);
  for (const number of left) add('arrives', { number, place: 'second again' }, [retired]);
  return writes;
}

/** An order in which each comes when those before it have come; of those that may come the one with the least weight. */
function ordered(writes: readonly Write[], weights: readonly number[]): Write[] {
  const order: Write[] = [];
  const waiting = new Map(writes.map((write, at) => [write, weights[at % weights.length] ?? 0]));
  while (waiting.size > 0) {
    const ready = [...waiting].filter(([write]) => write.after.every((one) => order.includes(one)));
    const [next] = ready.reduce((least, one) => (one[1] < least[1] ? one : least));
    waiting.delete(next);
    order.push(next);
  }
  return order;
}

/** Some of them once more, each at any place after its first; and at the end all of them. */
function withRepeats(order: readonly Write[], repeats: readonly { which: number; later: number }[]): Write[] {
  const all = [...order];
  for (const { which, later } of repeats) {
    const write = order[which % order.length];
    if (write === undefined || write.what === 'retired') continue;
    const from = all.indexOf(write) + 1;
    all.splice(from + (later % (all.length - from + 1)), 0, write);
  }
  return [...all, ...order.filter(({ what }) => what !== 'retired')];
}

/** A mailbox of its own in which writes are made. */
class Ledger {
  private readonly genIds = new Map<Place, number>();
  /** When the listing of a write was asked for. */
  private readonly listed = new Map<Write, Date>();

  private constructor(
    private readonly mailbox: TestMailbox,
    private readonly lives: readonly Life[],
    private readonly folderId: string,
  ) {}

  static async of(lives: readonly Life[]): Promise<Ledger> {
    const mailbox = await aMailbox(database.db, await database.newTenant());
    const folderId = newUuid();
    await database.db.inTenant(mailbox.tenantId, (sql) =>
      sql.execute(
        `INSERT INTO folder (tenant_id, id, source_id, path, role, in_scope) VALUES ($1, $2, $3, 'Second', NULL, true)`,
        [mailbox.tenantId, folderId, mailbox.sourceId],
      ),
    );
    const ledger = new Ledger(mailbox, lives, folderId);
    ledger.genIds.set('first', mailbox.genId);
    await ledger.begin('second', '7');
    return ledger;
  }

  private get source() {
    return { ...this.mailbox, fence: { epoch: 1, generation: 1 } };
  }

  private async begin(place: Place, uidValidity: string): Promise<void> {
    const before = this.genIds.get('second') ?? null;
    const folder = { folderId: this.folderId, uidValidity, mailboxId: null, before, again: null };
    this.genIds.set(place, await beginGeneration(database.db, this.source, folder));
  }

  private genOf(place: Place): number {
    const genId = this.genIds.get(place);
    if (genId === undefined) throw new Error('there is no such generation');
    return genId;
  }

  async make(write: Write): Promise<void> {
    const genId = this.genOf(write.what === 'retired' ? 'second' : write.place);
    const uid = write.number + 1;
    const listedAfter = await this.listedAfter(write);
    switch (write.what) {
      case 'arrives':
        return this.record(genId, this.itemOf(write, 'comes'), 'live');
      case 'replayed':
        return this.record(genId, this.itemOf(write, 'replayed'), 'replay');
      case 'goes':
        await endPlacements(database.db, this.source, { genId, uids: [uid], listedAfter });
        return;
      case 'shown-again':
        await revivePlacements(database.db, this.source, { ranges: [{ genId, from: uid, to: uid }], listedAfter });
        return;
      case 'retired':
        return this.begin('second again', '8');
    }
  }

  private async listedAfter(write: Write): Promise<Date> {
    const before = this.listed.get(write);
    if (before !== undefined) return before;
    const [row] = await database.db.inTenant(this.mailbox.tenantId, (sql) =>
      sql.query<{ now: Date }>(`SELECT clock_timestamp() + interval '1 millisecond' AS now`),
    );
    if (row === undefined) throw new Error('there is no time');
    this.listed.set(write, row.now);
    return row.now;
  }

  private itemOf({ number }: Write, when: 'comes' | 'replayed'): BatchItem {
    const message = parsedMessage({ subject: `number ${String(number)}` });
    const rawSha = createHash('sha256').update(String(number)).digest();
    const placed = { uid: number + 1, size: 100, internalDate: message.sentAt, flags: 0, modseq: null };
    if (when === 'comes' && this.lives[number]?.isPoison === true) {
      const failure = { kind: 'unreadable' as const, code: 'too-many-parts', detail: {}, messageIdHeader: null };
      return { kind: 'parked', ...placed, rawSha, blobId: null, failure };
    }
    const whose = { blobId: null, rawState: 'none' as const, providerId: null, providerThreadId: null };
    return { kind: 'recorded', ...placed, ...whose, rawSha, direction: 'incoming', message };
  }

  private async record(genId: number, item: BatchItem, part: 'live' | 'replay'): Promise<void> {
    const batch = { genId, items: [item], cursor: null, part, versions: { parser: 1, code: 'test' } };
    try {
      await recordBatch(database.db, this.source, batch);
    } catch (error) {
      // What comes late to a generation that was retired is not written.
      if (!(error instanceof MailFailure && error.kind === 'cursor-lost')) throw error;
    }
  }

  /** All rows, without ids and times. */
  async rows(): Promise<unknown[]> {
    const { tenantId, sourceId } = this.mailbox;
    const placeOf = new Map([...this.genIds].map(([place, genId]) => [genId, place]));
    const rows = await database.db.inTenant(tenantId, (sql) =>
      sql.query<{ gen_id: number }>(
        `SELECT p.gen_id, p.uid, p.outcome, p.reason, p.presence, encode(p.raw_sha, 'hex') AS sha, s.subject, p.size, p.flags, p.seen_due,
           x.state AS failure, x.attempts, (SELECT count(*) FROM copy WHERE source_id = $1) AS copies, (SELECT count(*) FROM message) AS messages
         FROM placement p LEFT JOIN copy c ON c.id = p.copy_id LEFT JOIN message_subject s ON s.message_id = c.message_id
         LEFT JOIN failure x ON x.gen_id = p.gen_id AND x.uid = p.uid WHERE p.source_id = $1 ORDER BY p.gen_id, p.uid`,
        [sourceId],
      ),
    );
    return rows.map(({ gen_id: genId, ...row }) => ({ place: placeOf.get(genId), ...row }));
  }
}

async function endOf(lives: readonly Life[], order: readonly Write[]): Promise<unknown[]> {
  const ledger = await Ledger.of(lives);
  for (const write of order) await ledger.make(write);
  return ledger.rows();
}

const weights = fc.array(fc.nat(1_000), { minLength: 40, maxLength: 40 });
const repeats = fc.array(fc.record({ which: fc.nat(100), later: fc.nat(100) }), { maxLength: 4 });

test('in whatever order placements come, go, come back, are replayed and written again, the rows are the same', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(life, { minLength: 1, maxLength: 4 }),
      weights,
      repeats,
      async (lives, weightOf, repeated) => {
        const writes = writesOf(lives);
        const expected = await endOf(lives, writes);
        expect(expected.length).toBeGreaterThan(0);
        expect(await endOf(lives, withRepeats(ordered(writes, weightOf), repeated))).toEqual(expected);
      },
    ),
    { numRuns: 12 },
  );
});
