// @ts-check

/**
 * @typedef {object} Expected
 * @property {string} subject told from all others by it
 * @property {number} date of its header, which has whole seconds
 * @property {number | null} deliveredAt when the mail server said 250
 */
/** @typedef {{subject: string, deliveredAt: number, ms: number}} Seen from the 250 to the answer that had it */

const pageSize = 200;
/** Between two looks it waits for so many times as long as a look took. */
const restPerLook = 4;

/** Looks again and again at the timeline of one record, over HTTP as any client, while something is expected there. */
export class TimelineWatch {
  #where;
  #everyMs;
  /** @type {Map<string, Expected>} */
  #expected = new Map();
  /** @type {Map<string, number>} seen before the 250 was read */
  #early = new Map();
  /** @type {Seen[]} */
  seen = [];
  polls = 0;
  #isOver = false;
  #done;

  /** @param {{apiUrl: string, apiKey: string, recordId: string, everyMs: number}} wish */
  constructor({ apiUrl, apiKey, recordId, everyMs }) {
    this.#where = { url: `${apiUrl}/v1/records/${recordId}/timeline`, headers: { authorization: `Bearer ${apiKey}` } };
    this.#everyMs = everyMs;
    this.#done = this.#watch();
  }

  /** Before it is handed over: it may be seen before the 250 is read. @param {string} subject @param {number} date */
  expect(subject, date) {
    this.#expected.set(subject, { subject, date: Math.floor(date / 1_000) * 1_000, deliveredAt: null });
  }

  /** @param {string} subject @param {number} at performance.now() at the 250 */
  delivered(subject, at) {
    const early = this.#early.get(subject);
    const expected = this.#expected.get(subject);
    if (early !== undefined) this.#note(subject, at, early);
    else if (expected !== undefined) expected.deliveredAt = at;
  }

  get outstanding() {
    return this.#expected.size;
  }

  /** Waits until all that was expected is there. @param {number} timeoutMs @returns {Promise<number>} how many are not */
  async untilAll(timeoutMs) {
    const deadline = performance.now() + timeoutMs;
    while (this.#expected.size > 0 && performance.now() < deadline) await wait(5);
    return this.#expected.size;
  }

  /** How often each subject stands in the whole timeline. @returns {Promise<Map<string, number>>} */
  async countAll() {
    /** @type {Map<string, number>} */
    const counts = new Map();
    for (let cursor = ''; ;) {
      const page = await this.#page(pageSize, cursor);
      for (const { subject } of page.items) counts.set(subject, (counts.get(subject) ?? 0) + 1);
      if (page.nextCursor === null) return counts;
      cursor = page.nextCursor;
    }
  }

  async stop() {
    this.#isOver = true;
    await this.#done;
  }

  async #watch() {
    while (!this.#isOver) {
      const began = performance.now();
      // An API that is busy or restarted is asked again: the time runs on.
      if (this.#expected.size > 0) await this.#look().catch(() => {});
      const took = performance.now() - began;
      // Where much is outstanding a look is long: it must not become the load that it waits for.
      await wait(Math.max(1, this.#everyMs - took, took * restPerLook));
    }
  }

  async #look() {
    let cursor = '';
    do {
      const limit = Math.min(pageSize, Math.max(20, this.#expected.size + 10));
      const page = await this.#page(limit, cursor);
      const at = performance.now();
      this.polls += 1;
      for (const { subject } of page.items) this.#see(subject, at);
      const oldest = Date.parse(page.items.at(-1)?.sortAt ?? '') || 0;
      const isFurtherDown = [...this.#expected.values()].some(({ date }) => date <= oldest);
      cursor = isFurtherDown ? (page.nextCursor ?? '') : '';
    } while (cursor !== '');
  }

  /** @param {string} subject @param {number} at */
  #see(subject, at) {
    const expected = this.#expected.get(subject);
    if (expected === undefined) return;
    if (expected.deliveredAt === null) this.#early.set(subject, Math.min(at, this.#early.get(subject) ?? at));
    else this.#note(subject, expected.deliveredAt, at);
  }

  /** @param {string} subject @param {number} deliveredAt @param {number} at */
  #note(subject, deliveredAt, at) {
    this.#expected.delete(subject);
    this.#early.delete(subject);
    this.seen.push({ subject, deliveredAt, ms: Math.max(0, at - deliveredAt) });
  }

  /** @param {number} limit @param {string} cursor @returns {Promise<{items: {subject: string, sortAt: string}[], nextCursor: string | null}>} */
  async #page(limit, cursor) {
    const { url, headers } = this.#where;
    const query = `?limit=${limit}${cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`}`;
    const response = await fetch(`${url}${query}`, { headers });
    if (!response.ok) throw new Error(`The timeline answers ${response.status}.`);
    return /** @type {any} */ (response.json());
  }
}

/** @param {number} ms */
function wait(ms) {
  return new Promise((wake) => setTimeout(wake, ms));
}
