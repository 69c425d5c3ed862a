import fc from 'fast-check';

import { createTestDatabase, type TestDatabase } from '../../support/database';
import { aRecord, aUser } from '../../support/mail-rows';
import { Conversation, people, user, type Letter, type Wish } from './conversation-model';
import { Talk, type Asked } from './talk';

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

const most = 6;
/** Mostly two who write to each other, so that their mail is answers. */
const person = fc.oneof({ weight: 4, arbitrary: fc.nat({ max: 1 }) }, fc.nat({ max: people.length - 1 }));
const letter = fc.record({
  answers: fc.uniqueArray(fc.nat({ max: most - 1 }), { minLength: 1, maxLength: 3 }),
  from: person,
  to: person,
});
const wish = fc.constantFrom<Wish>(
  'link snapshot',
  'link follow',
  'unlink',
  'relink snapshot',
  'relink follow',
  'undo',
);

/** Mostly the thread of the first message; of several that become one, what is said comes together. */
const about = fc.oneof({ weight: 2, arbitrary: fc.constant(0) }, fc.nat({ max: most - 1 }));

/** Mail comes in this order: before, between and during what people do; `during` comes between the shares of the operation. */
const story = fc.record({
  letters: fc.array(letter, { minLength: 3, maxLength: most }),
  byRules: fc.boolean(),
  atOnce: fc.integer({ min: 1, max: 2 }),
  steps: fc.array(fc.record({ arrive: fc.nat({ max: 2 }), wish, about, during: fc.nat({ max: 2 }) }), {
    minLength: 2,
    maxLength: 5,
  }),
});

/** Mail and people's wishes as they come, at the database and in the model. */
class Course {
  readonly model: Conversation;
  private next = 0;
  private readonly threadIds: string[] = [];
  private last: Asked | null = null;

  constructor(
    private readonly talk: Talk,
    private readonly recordId: string,
    private readonly letters: Letter[],
    byRules: boolean,
  ) {
    this.model = new Conversation(byRules);
  }

  async arrive(count: number): Promise<void> {
    for (const arriving of this.letters.slice(this.next, this.next + count)) {
      const name = String(this.next++);
      const threadId = await this.talk.send(name, arriving.answers.map(String), {
        from: people[arriving.from] ?? '',
        to: [people[arriving.to] ?? ''],
      });
      this.threadIds.push(threadId);
      this.model.arrive(arriving);
    }
  }

  async wish({ wish: wished, about, during }: { wish: Wish; about: number; during: number }): Promise<void> {
    const of = Math.min(about, this.next - 1);
    const asked = await this.ask(wished, this.threadIds[of] ?? '');
    const isBegun = asked?.kind === 'begun';
    if (isBegun !== this.model.wish(wished, of)) throw new Error(`${wished} is answered otherwise than in the model`);
    if (!isBegun) return;
    let left = during;
    while ((await this.talk.step(asked)) === 'more') await this.arrive(left-- > 0 ? 1 : 0);
    this.last = wished === 'undo' ? null : asked;
  }

  private ask(wished: Wish, threadId: string): Promise<Asked> | null {
    const { talk, recordId, last } = this;
    switch (wished) {
      case 'link snapshot':
      case 'link follow':
        return talk.link(threadId, recordId, { mode: wished === 'link follow' ? 'follow' : 'snapshot' });
      case 'relink snapshot':
      case 'relink follow':
        return talk.relink(threadId, recordId, { mode: wished === 'relink follow' ? 'follow' : 'snapshot' });
      case 'unlink':
        return talk.unlink(threadId, recordId);
      case 'undo':
        return last === null ? null : talk.undo(last);
    }
  }
}

/** What stands at the record, message by message. */
function standing(talk: Talk, recordId: string) {
  return talk.rows<{ name: string; state: string; said: string; byRules: boolean }>(
    `SELECT btrim(split_part(m.message_id_header, '@', 1), '<') AS name, l.state,
       coalesce((SELECT string_agg(DISTINCT split_part(r.key, ':', 1), ' ') FROM link_reason r
         WHERE r.link_id = l.id AND l.state = 'active' AND r.kind IN ('person', 'thread') AND r.key NOT LIKE 'reply:%'), '') AS said,
       l.state = 'active' AND EXISTS (SELECT FROM link_reason r WHERE r.link_id = l.id AND (r.kind IN ('address', 'rule') OR r.key LIKE 'reply:%')) AS "byRules"
     FROM link l JOIN message m ON m.id = l.message_id WHERE l.record_id = $1 ORDER BY 1`,
    [recordId],
  );
}

test('what people said last of threads is what stands, whatever mail came before, between and meanwhile', async () => {
  await fc.assert(
    fc.asyncProperty(story, async ({ letters, byRules, atOnce, steps }) => {
      const talk = await Talk.in(database.db, await database.newTenant(), atOnce);
      const { tenantId } = talk.mailbox;
      await aUser(database.db, tenantId, { addresses: [user] });
      const recordId = await aRecord(database.db, tenantId, { addresses: byRules ? people.slice(0, 1) : [] });
      const course = new Course(talk, recordId, letters, byRules);
      await course.arrive(1);
      for (const step of steps) {
        await course.arrive(step.arrive);
        await course.wish(step);
      }
      await course.arrive(letters.length);
      expect(await standing(talk, recordId)).toEqual(course.model.standing());
    }),
    { numRuns: 15 },
  );
});
