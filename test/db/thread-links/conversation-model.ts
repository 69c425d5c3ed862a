/** A message: what it answers (by number), from whom and to whom (by number). */
export interface Letter {
  answers: number[];
  from: number;
  to: number;
}

export type Wish = 'link snapshot' | 'link follow' | 'unlink' | 'relink snapshot' | 'relink follow' | 'undo';

export const user = 'anna@company.example';
/** The first is of the record, where rules link it. */
export const people = ['ada@customer.example', 'bob@elsewhere.example', 'carl@elsewhere.example', user];

interface Said {
  /** A message of the thread of which it was said first. */
  anchor: number;
  what: 'snapshot' | 'follow' | 'unlinked';
  /** The numbers of the messages that it was said of. */
  of: Set<number>;
  /** Of what was taken away: it stays away, also what comes later. */
  staysAway: boolean;
}

/** What is to stand at a record when people say things of threads: all of it from the definition, with nothing kept between. */
export class Conversation {
  private readonly letters: Letter[] = [];
  /** What holds of the threads; of several that became one it is said of all of them at once. */
  private said: Said[] = [];
  /** What held before the last wish; null: it was undone, or there was none. */
  private before: Said[] | null = null;

  constructor(private readonly byRules: boolean) {}

  arrive(letter: Letter): void {
    this.letters.push(letter);
  }

  /** Whether the wish, for the thread of this message, is one that can be carried out. */
  wish(wish: Wish, about: number): boolean {
    if (wish === 'undo') return this.undo();
    const [does, mode = 'snapshot'] = wish.split(' ') as ['link' | 'unlink' | 'relink', ('snapshot' | 'follow')?];
    const of = this.thread(about);
    const here = this.said.filter(({ anchor }) => of.has(anchor));
    const byRules = this.linkedByRules();
    if (does === 'link' && here.some(({ what }) => what !== 'unlinked')) return false;
    if (does === 'unlink' && here.length === 0 && ![...of].some((n) => byRules.has(n))) return false;
    const staysAway = [...of].some((n) => byRules.has(n) || this.hasAddress(n)) || here.some((said) => said.staysAway);
    const now = does === 'unlink' ? { what: 'unlinked' as const, of, staysAway } : { what: mode, of, staysAway: false };
    const anchors = here.length > 0 ? here.map(({ anchor }) => anchor) : [about];
    this.before = this.said;
    this.said = [...this.said.filter((said) => !here.includes(said)), ...anchors.map((anchor) => ({ ...now, anchor }))];
    return true;
  }

  private undo(): boolean {
    if (this.before === null) return false;
    this.said = this.before;
    this.before = null;
    return true;
  }

  standing(): { name: string; state: string; said: string; byRules: boolean }[] {
    const away = this.away();
    const rules = this.linkedByRules();
    const [snapshot, follow] = [this.reached('snapshot'), this.reached('follow')];
    return this.letters.flatMap((_, n) => {
      const name = String(n);
      if (away.has(n)) return [{ name, state: 'suppressed', said: '', byRules: false }];
      const said = [...(follow.has(n) ? ['follow'] : []), ...(snapshot.has(n) ? ['snapshot'] : [])].join(' ');
      return said === '' && !rules.has(n) ? [] : [{ name, state: 'active', said, byRules: rules.has(n) }];
    });
  }

  private reached(what: 'snapshot' | 'follow'): Set<number> {
    const of = new Set(this.said.filter((said) => said.what === what).flatMap((said) => [...said.of]));
    return what === 'follow' ? this.around(of) : of;
  }

  private away(): Set<number> {
    return this.around(new Set(this.said.flatMap(({ staysAway, of }) => (staysAway ? [...of] : []))));
  }

  private hasAddress(n: number): boolean {
    const { from, to } = this.letters[n] ?? { from: -1, to: -1 };
    return this.byRules && (from === 0 || to === 0);
  }

  /** By address, and as replies to such. */
  private linkedByRules(): Set<number> {
    const away = this.away();
    const numbers = [...this.letters.keys()].filter((n) => !away.has(n));
    const linked = new Set(numbers.filter((n) => this.hasAddress(n)));
    for (;;) {
      const more = numbers.filter((n) => !linked.has(n) && [...linked].some((one) => this.isAnswer(n, one)));
      if (more.length === 0) return linked;
      for (const n of more) linked.add(n);
    }
  }

  private isAnswer(reply: number, original: number): boolean {
    const [one, other] = [this.letters[reply], this.letters[original]];
    if (one === undefined || other === undefined || reply === original || !one.answers.includes(original)) return false;
    return people[one.from] === user || one.from === other.from || one.from === other.to;
  }

  /** These, and whoever answers them, or is answered by them, and so on. */
  private around(of: ReadonlySet<number>): Set<number> {
    const reached = new Set(of);
    for (;;) {
      const more = [...this.letters.keys()].filter(
        (n) => !reached.has(n) && [...reached].some((one) => this.isAnswer(n, one) || this.isAnswer(one, n)),
      );
      if (more.length === 0) return reached;
      for (const n of more) reached.add(n);
    }
  }

  /** What is in a thread with this message. */
  private thread(of: number): Set<number> {
    const names = new Set([of]);
    for (let size = 0; size < names.size;) {
      size = names.size;
      for (const [n, { answers }] of this.letters.entries()) {
        const own = [n, ...answers];
        if (own.some((name) => names.has(name))) for (const name of own) names.add(name);
      }
    }
    return new Set([...names].filter((n) => n < this.letters.length));
  }
}
