// @ts-check
import { diceOf } from '../demo/dice.mjs';
import { connectWhole, deleteWhole, importedOf, unsearchedOf, until } from './beside.mjs';
import { deliverAll, writersRecord } from './deliveries.mjs';
import { connectFleet, statesOf, untilAttached } from './fleet-of-mailboxes.mjs';
import { openFloors } from './idle-floor.mjs';
import { spreadOf } from './processes.mjs';
import { TimelineWatch } from './timeline-watch.mjs';

/** @typedef {import('../lib/dovecot.mjs').Dovecot} Dovecot */
/** @typedef {import('./letterbook.mjs').Letterbook} Letterbook */
/** @typedef {import('./deliveries.mjs').Planned} Planned */
/** @typedef {'quiet' | 'busy' | 'burst' | 'import' | 'delete' | 'both' | 'restart'} Case */
/** @typedef {{deliveries: number, mailboxes: number, burst: number, restarts: number, importMessages: number, cases: Case[], source: import('../demo/deliver.mjs').MailServer | null}} PushPlan `source`: the mailbox that is imported meanwhile */
/** @typedef {ReturnType<typeof spreadOf>} Spread in ms */
/** @typedef {(done: number, total: number) => void} Progress */
/**
 * @typedef {object} CaseResult
 * @property {Case} name
 * @property {Spread} ms from the mail server's 250 to the answer of the timeline
 * @property {Spread | null} floorMs of the same deliveries, as a plain IDLE client saw them
 * @property {number} missing
 * @property {number} twice
 * @property {number | null} lastSeconds from the first 250 to the last message in the timeline
 * @property {string} note
 */

export const pushCases = /** @type {const} */ (['quiet', 'busy', 'burst', 'import', 'delete', 'both', 'restart']);
const pollEveryMs = 20;
const patienceMs = 60_000;
/** So many plain clients stand beside the product: more would take inotify instances from its own sessions. */
const floorsAtOnce = 25;

/** One run over a Letterbook of its own. */
export class PushBench {
  #letterbook;
  #dovecot;
  #plan;
  #dice = diceOf('push');
  /** @type {TimelineWatch | null} */
  #watch = null;
  /** @type {Promise<string> | null} */
  #big = null;

  /** @param {{letterbook: Letterbook, dovecot: Dovecot, plan: PushPlan}} wish */
  constructor({ letterbook, dovecot, plan }) {
    this.#letterbook = letterbook;
    this.#dovecot = dovecot;
    this.#plan = plan;
    const stamp = Date.now().toString(36);
    this.users = Array.from({ length: plan.mailboxes }, (_, index) => `p${index}.${stamp}@push.example`);
  }

  /** Connects the mailboxes and waits until all are watched. @param {(done: number, total: number) => void} progress */
  async prepare(progress) {
    const { api, apiUrl, apiKey } = this.#letterbook;
    const recordId = await writersRecord(api);
    this.#watch = new TimelineWatch({ apiUrl, apiKey, recordId, everyMs: pollEveryMs });
    const since = new Date();
    await connectFleet(api, this.#dovecot, { users: this.users, progress });
    const { attached } = await this.#untilAttached(since);
    return { attached, states: await statesOf(this.#letterbook.database) };
  }

  /** @param {Case} name @param {(done: number, total: number) => void} progress @returns {Promise<CaseResult>} */
  async run(name, progress) {
    const { deliveries, burst } = this.#plan;
    if (name === 'quiet') return this.#measured({ name, messages: this.#spread(deliveries), connections: 2 });
    if (name === 'busy') return this.#measured({ name, messages: this.#toOne(deliveries), connections: 2 });
    if (name === 'burst') {
      const to = this.users[1] ?? '';
      const messages = Array.from({ length: burst }, (_, index) => ({ to, atMs: (index * 2_000) / burst }));
      return this.#measured({ name, messages, connections: 8 });
    }
    if (name === 'import') return this.#besideImports(progress);
    return name === 'restart' ? this.#whileRestarting() : this.#besideDeletion(name, progress);
  }

  async stop() {
    await this.#watch?.stop();
  }

  /** One after the other, each to another mailbox. @param {number} count @param {[number, number]} apartMs @returns {Planned[]} */
  #spread(count, apartMs = [200, 500]) {
    let atMs = 0;
    return Array.from({ length: count }, (_, index) => {
      atMs += this.#dice.between(...apartMs);
      return { to: this.users[index % this.users.length] ?? '', atMs };
    });
  }

  /** @param {number} count @returns {Planned[]} */
  #toOne(count) {
    let atMs = 0;
    return Array.from({ length: count }, () => ({
      to: this.users[0] ?? '',
      atMs: (atMs += this.#dice.between(300, 3_000)),
    }));
  }

  /**
   * @param {{name: Case, messages: Planned[], connections: number, isOver?: () => boolean, note?: string}} wish
   * @returns {Promise<CaseResult>}
   */
  async #measured({ name, messages, connections, isOver, note = '' }) {
    const watch = this.#shown();
    const server = { host: this.#dovecot.host, port: this.#dovecot.lmtpPort };
    const before = watch.seen.length;
    const floors = await openFloors(this.#dovecot, [...new Set(messages.map(({ to }) => to))].slice(0, floorsAtOnce));
    const delivered = await deliverAll(server, {
      name: `${name} ${Date.now()}`,
      messages,
      watch,
      connections,
      ...(isOver ? { isOver } : {}),
    });
    const missing = await watch.untilAll(patienceMs);
    const floorTimes = floors.times(delivered);
    floors.close();
    const counts = await watch.countAll();
    const seen = watch.seen.slice(before);
    const firstAt = delivered[0]?.at ?? NaN;
    const lastAt = Math.max(...seen.map(({ deliveredAt, ms }) => deliveredAt + ms));
    return {
      name,
      ms: spreadOf(seen.map(({ ms }) => ms)),
      floorMs: floorTimes.length === 0 ? null : spreadOf(floorTimes),
      missing,
      twice: delivered.filter(({ subject }) => (counts.get(subject) ?? 0) > 1).length,
      lastSeconds: (lastAt - firstAt) / 1_000,
      note,
    };
  }

  /** The deliveries of `quiet`, while this tenant and another import a mailbox each. @param {Progress} progress @returns {Promise<CaseResult>} */
  async #besideImports(progress) {
    const { importMessages, deliveries } = this.#plan;
    const another = await this.#letterbook.anotherTenant();
    const began = performance.now();
    const imports = this.#following(
      [await this.#imported(), await connectWhole(another.api, this.#source())],
      progress,
    );
    await until(() => imports.messages() > 0, 100);
    const result = await this.#measured({
      name: 'import',
      messages: this.#spread(deliveries),
      connections: 2,
      isOver: imports.areDone,
    });
    await until(imports.areDone, 500);
    imports.end();
    const seconds = (performance.now() - began) / 1_000;
    const note = `beside two imports of ${importMessages}, ${((2 * importMessages) / seconds).toFixed(0)} messages/s in all`;
    return {
      ...result,
      note: result.ms.count < deliveries ? `${note}; they were over before delivery ${result.ms.count + 1}` : note,
    };
  }

  /** Deliveries to quiet mailboxes, while one is deleted that was imported before; with `both` another tenant imports meanwhile. @param {'delete' | 'both'} name @param {Progress} progress @returns {Promise<CaseResult>} */
  async #besideDeletion(name, progress) {
    const { importMessages, deliveries } = this.#plan;
    const before = this.#following([await this.#imported()], progress);
    await until(before.areDone, 500);
    before.end();
    await until(async () => (await unsearchedOf(this.#letterbook.database)) === 0, 500);
    const another = name === 'both' ? await this.#letterbook.anotherTenant() : null;
    const during = this.#following(another === null ? [] : [await connectWhole(another.api, this.#source())], () => {});
    if (another !== null) await until(() => during.messages() > 0, 100);
    let isOver = false;
    const deletion = deleteWhole(this.#letterbook.api, await this.#imported(), this.#source().user);
    this.#big = null;
    const over = deletion.finally(() => (isOver = true));
    const messages = this.#spread(deliveries, [100, 250]);
    const result = await this.#measured({ name, messages, connections: 2, isOver: () => isOver });
    const seconds = await over;
    const meanwhile = during.messages();
    during.end();
    const imported = another === null ? '' : `, ${meanwhile} of another were imported until the last was seen`;
    const note = `a mailbox of ${importMessages} was deleted in ${seconds.toFixed(1)} s${imported}`;
    return { ...result, note };
  }

  #source() {
    if (this.#plan.source === null) throw new Error('There is no mailbox to import.');
    return this.#plan.source;
  }

  /** The big mailbox of this tenant, connected once. @returns {Promise<string>} */
  #imported() {
    this.#big ??= connectWhole(this.#letterbook.api, this.#source());
    return this.#big;
  }

  /** Looks at imports each second. @param {string[]} ids @param {Progress} progress */
  #following(ids, progress) {
    const total = ids.length * this.#plan.importMessages;
    let done = 0;
    const look = setInterval(() => {
      importedOf(this.#letterbook.database, ids).then(
        (rows) => progress((done = rows), total),
        () => {},
      );
    }, 1_000);
    return { messages: () => done, areDone: () => done >= total, end: () => clearInterval(look) };
  }

  /** Told to end, then killed, in turns; a message comes when the worker is just gone. @returns {Promise<CaseResult>} */
  async #whileRestarting() {
    /** @type {CaseResult[]} */
    const results = [];
    for (let turn = 0; turn < this.#plan.restarts; turn++) {
      const to = this.users[2 + (turn % (this.users.length - 2))] ?? '';
      const ended = this.#letterbook.endWorkers(turn % 2 === 0 ? 'told' : 'killed');
      const arrival = this.#measured({ name: 'restart', messages: [{ to, atMs: 200 }], connections: 1 });
      await ended;
      const since = new Date();
      await this.#letterbook.startWorkers();
      results.push(await arrival);
      await this.#untilAttached(since);
    }
    const sum = (/** @type {'missing' | 'twice'} */ what) => results.reduce((all, one) => all + one[what], 0);
    return {
      name: 'restart',
      ms: spreadOf(results.map(({ ms }) => ms.max)),
      floorMs: null,
      missing: sum('missing'),
      twice: sum('twice'),
      lastSeconds: null,
      note: 'told to end and killed, in turns',
    };
  }

  #untilAttached(/** @type {Date} */ since) {
    const where = { dovecot: this.#dovecot, database: this.#letterbook.database };
    return untilAttached(where, { users: this.users, since, timeoutMs: patienceMs });
  }

  #shown() {
    if (this.#watch === null) throw new Error('The bench is not prepared.');
    return this.#watch;
  }
}
