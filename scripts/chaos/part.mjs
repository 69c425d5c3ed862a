// @ts-check
import { familyOf } from '../bench/processes.mjs';

const lookEveryMs = 100;
const startAgainMs = 500;

/**
 * A process of the stack that is wanted up, and that strikes bring down. It is started again whenever it is gone, as whoever runs the product in earnest
 * has it done.
 */
export class Part {
  /** @type {import('../lib/processes.mjs').Running | null} */
  #running = null;
  #isWanted = true;
  #isClosing = false;
  /** @type {Promise<void> | null} */
  #keeping = null;
  #start;
  /** How it ended when nobody struck it. @type {string[]} */
  endedByItself = [];
  /** Why the last start failed. @type {string | null} */
  lastFailure = null;

  /** @param {string} name @param {() => Promise<import('../lib/processes.mjs').Running>} start */
  constructor(name, start) {
    this.name = name;
    this.#start = start;
  }

  get isUp() {
    return this.#running !== null && !this.#running.hasEnded();
  }

  get pid() {
    return this.#running?.pid ?? 0;
  }

  /** Starts it, and from then on again. */
  async up() {
    this.#running = await this.#start();
    this.#keeping = this.#keep();
  }

  /** Ends all its processes at once, and lets it come back after a time. @param {{downMs: number, meanwhile?: () => void | Promise<void>}} wish */
  async kill({ downMs, meanwhile = () => {} }) {
    this.#isWanted = false;
    if (this.isUp) for (const { pid } of familyOf(this.pid).toReversed()) endNow(pid);
    await this.#running?.stop(1_000);
    await meanwhile();
    await wait(downMs);
    this.#isWanted = true;
  }

  /** Tells it to end, as a deployment does. @param {{graceMs: number, meanwhile?: () => void | Promise<void>}} wish */
  async endInOrder({ graceMs, meanwhile = () => {} }) {
    this.#isWanted = false;
    struck.add(this.pid);
    const how = await this.#running?.stop(graceMs);
    await meanwhile();
    this.#isWanted = true;
    return how;
  }

  /** Starts another one, and then tells the old one to end. @param {{graceMs: number}} wish */
  async roll({ graceMs }) {
    const old = this.#running;
    const next = await this.#start();
    struck.add(this.pid);
    this.#running = next;
    return old?.stop(graceMs);
  }

  async close() {
    this.#isClosing = true;
    await this.#keeping;
    await this.#running?.stop(12_000);
  }

  async #keep() {
    while (!this.#isClosing) {
      if (this.#isWanted && !this.isUp) await this.#again();
      await wait(lookEveryMs);
    }
  }

  async #again() {
    const gone = this.#running;
    if (gone !== null) {
      const how = await gone.ended;
      // What was struck says so by its signal, and was stopped by us.
      if (!struck.has(gone.pid)) this.endedByItself.push(how);
      await gone.stop(0);
    }
    this.#running = null;
    try {
      this.#running = await this.#start();
      this.lastFailure = null;
    } catch (error) {
      this.lastFailure = /** @type {Error} */ (error).message;
      await wait(startAgainMs);
    }
  }
}

/** Process ids that were ended by a strike. @type {Set<number>} */
const struck = new Set();

/** @param {number} pid */
function endNow(pid) {
  struck.add(pid);
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'ESRCH') throw error;
  }
}

/** @param {number} ms */
export function wait(ms) {
  return new Promise((wake) => setTimeout(wake, ms));
}
