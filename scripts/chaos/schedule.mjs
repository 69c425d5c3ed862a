// @ts-check
import { diceOf } from '../demo/dice.mjs';

/**
 * A strike, as the seed made it: nothing in it depends on what happens in the run.
 * @typedef {object} Fault
 * @property {FaultKind} kind
 * @property {number} gapMs after the one before, once everything is up again
 * @property {number} roll chooses whom it hits, from 0 to below 1
 * @property {number} downMs how long what was ended stays so, or what is held is held
 * @property {number} bytes for a cut: so many more go through
 * @property {boolean} isDouble the next one does not wait until everything is up again
 */

/**
 * What strikes, and how often in a hundred. `cut` and `stall` are of connections and cost nothing to strike; all others take the time until the
 * stack is up again.
 * @type {readonly {kind: string, link?: 'mail' | 'database' | 'engine', share: number, what: string}[]}
 */
export const faultKinds = /** @type {const} */ ([
  { kind: 'cut-mail', share: 24, what: 'a connection to the mail server is reset after N bytes' },
  {
    kind: 'stall-mail',
    share: 8,
    what: 'the bytes of a connection to the mail server are held for seconds, then go on or are lost',
  },
  { kind: 'cut-database', share: 10, what: 'a connection to Postgres is reset after N bytes' },
  { kind: 'cut-engine', share: 4, what: 'a connection to Temporal is reset after N bytes' },
  { kind: 'kill-worker', share: 14, what: '`kill -9` of one of the two workers' },
  { kind: 'kill-workers', share: 3, what: '`kill -9` of both workers' },
  { kind: 'kill-api', share: 5, what: '`kill -9` of the API' },
  { kind: 'kill-postgres', share: 6, what: '`kill -9` of all processes of Postgres' },
  { kind: 'kill-temporal', share: 5, what: '`kill -9` of the Temporal server' },
  { kind: 'lose-temporal', share: 2, what: 'the Temporal server is killed, and its database thrown away' },
  { kind: 'deploy-worker', share: 6, what: 'a new worker is started, and the old one told to end' },
  { kind: 'deploy-api', share: 3, what: 'the API is told to end, and a new one started' },
  { kind: 'restart-mail-server', share: 3, what: 'Dovecot is ended and started again' },
  { kind: 'change-password', share: 2, what: 'the password of a mailbox is changed on the server, and changed back' },
  { kind: 'full-disk', share: 2, what: 'the disk of Postgres and Temporal is full for seconds' },
  { kind: 'step-clock', share: 3, what: 'the clock of the second worker jumps by up to an hour, to and fro' },
]);

/** @typedef {(typeof faultKinds)[number]['kind']} FaultKind */

/**
 * The faults of a run: each kind by its share, at least once where there is room, in an order that the seed shuffles.
 * @param {{seed: number, count: number, without?: readonly string[]}} wish `without`: kinds that cannot be made on this machine
 * @returns {Fault[]}
 */
export function scheduleOf({ seed, count, without = [] }) {
  const dice = diceOf(`chaos faults ${seed}`);
  // The order is the same on every machine: what cannot be made here is left out of it, and nothing else moves.
  const kinds = deckOf(count);
  const faults = dice.shuffle(kinds).map((kind) => ({
    kind,
    gapMs: dice.between(50, kind.startsWith('cut') ? 600 : 1_500),
    roll: dice.roll(),
    downMs: dice.between(0, kind.startsWith('stall') || kind === 'full-disk' ? 6_000 : 2_500),
    bytes: dice.roll() < 0.3 ? dice.between(1, 400) : dice.between(400, 60_000),
    isDouble: dice.roll() < 0.15,
  }));
  return faults.filter(({ kind }) => !without.includes(kind));
}

/** @param {number} count @returns {FaultKind[]} */
function deckOf(count) {
  const total = faultKinds.reduce((sum, { share }) => sum + share, 0);
  /** @type {FaultKind[]} */
  const deck = [];
  // The largest remainders get what rounding leaves, and the seldom kinds come before more of the frequent ones.
  const wanted = faultKinds.map(({ kind, share }) => ({ kind, exact: (share * count) / total }));
  for (const { kind, exact } of wanted) for (let n = 0; n < Math.max(1, Math.floor(exact)); n++) deck.push(kind);
  const more = [...wanted].sort((a, b) => (b.exact % 1) - (a.exact % 1));
  for (let at = 0; deck.length < count; at++) deck.push(more[at % more.length]?.kind ?? 'cut-mail');
  // Too many where each was taken once: the most frequent ones give way, and of a very short run the last.
  while (deck.length > count) {
    const often = faultKinds.map(({ kind }) => kind).find((kind) => deck.filter((one) => one === kind).length > 1);
    deck.splice(often === undefined ? deck.length - 1 : deck.indexOf(often), 1);
  }
  return deck;
}
