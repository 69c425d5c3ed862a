// @ts-check

const barAfterMs = 2_000;
const plainEveryMs = 10_000;

/**
 * How far something is: `total` 0 where the amount is not known.
 * @typedef {{ done: number, total: number, unit: string }} Progress
 *
 * What a step tells while it runs.
 * @typedef {{ say: (line: string) => void, progress: (done: number, total: number, unit: string) => void, detail: (text: string) => void }} Step
 */

/** What takes long to begin would be told to take hours: the time left is told from this share on. */
const toldFrom = 0.05;

/**
 * `[#####...............] 1,204 of 4,800 packages · 310/s · 12 s left`
 * @param {Progress & { elapsedMs: number }} state
 * @returns {string}
 */
export function barText({ done, total, unit, elapsedMs }) {
  const rate = elapsedMs > 0 ? (done / elapsedMs) * 1_000 : 0;
  const amount = unit === 'bytes' ? megabytes : number;
  const speed = rate > 0 ? ` · ${unit === 'bytes' ? megabytes(rate) : number(rate)}/s` : '';
  if (total <= 0) return done > 0 ? `${amount(done)}${unit === 'bytes' ? '' : ` ${unit}`}${speed}` : '';
  const width = 20;
  const filled = Math.min(width, Math.floor((done / total) * width));
  const bar = `[${'#'.repeat(filled)}${'.'.repeat(width - filled)}]`;
  const canTell = rate > 0 && done < total && done >= total * toldFrom;
  const left = canTell ? ` · ${duration(((total - done) / rate) * 1_000)} left` : '';
  return `${bar} ${amount(done)} of ${amount(total)}${unit === 'bytes' ? '' : ` ${unit}`}${speed}${left}`;
}

/** @param {number} value */
function number(value) {
  return value < 10 && !Number.isInteger(value) ? value.toFixed(1) : Math.round(value).toLocaleString('en-US');
}

/** @param {number} bytes */
function megabytes(bytes) {
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}

/**
 * @param {number} ms
 * @returns {string} such as `0.4 s`, `38 s`, `5 min 20 s`
 */
export function duration(ms) {
  if (ms < 10_000) return `${(ms / 1_000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1_000);
  return seconds < 120 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

/** Steps as lines: one each, with what came of it and how long it took; a moving line or, in a log file, a line now and then while it runs. */
export class Terminal {
  #stream;
  #isLive;
  #isQuiet = false;

  /** @param {NodeJS.WriteStream} [stream] */
  constructor(stream = process.stdout) {
    this.#stream = stream;
    this.#isLive = stream.isTTY && process.env.TERM !== 'dumb' && !process.env.CI;
  }

  /** @param {string} [text] */
  line(text = '') {
    this.#stream.write(`${text}\n`);
  }

  /** Steps that are cut short say nothing any more: everything is being ended. */
  quietSteps() {
    this.#isQuiet = true;
  }

  /**
   * Runs one step and writes its line; a failure's line has the reason, and is thrown on.
   * @template Result
   * @param {string} label
   * @param {(step: Step) => Promise<Result>} work
   * @returns {Promise<Result>}
   */
  async step(label, work) {
    const began = Date.now();
    let detail = '';
    /** @type {Progress & { since: number }} */
    let state = { done: 0, total: 0, unit: '', since: began };
    const now = () => barText({ ...state, elapsedMs: Date.now() - state.since });
    const stopShowing = this.#show(label, began, now);
    /** @type {Step} */
    const step = {
      say: (line) => this.#aside(line),
      progress: (done, total, unit) => {
        // Another unit is another piece of work, with a rate of its own.
        state = { done, total, unit, since: unit === state.unit ? state.since : Date.now() };
      },
      detail: (text) => (detail = text),
    };
    try {
      const result = await work(step);
      stopShowing();
      this.#finish('✓', `${label}${detail === '' ? '' : ` ${detail}`}`, Date.now() - began);
      return result;
    } catch (error) {
      stopShowing();
      this.#finish('✗', label, Date.now() - began);
      throw error;
    }
  }

  /**
   * @param {string} label
   * @param {number} began
   * @param {() => string} now
   * @returns {() => void} ends it
   */
  #show(label, began, now) {
    if (!this.#isLive) {
      const timer = setInterval(() => {
        if (this.#isQuiet) return;
        this.line(`  … ${label}: ${[now(), duration(Date.now() - began)].filter((text) => text !== '').join(' · ')}`);
      }, plainEveryMs);
      return () => clearInterval(timer);
    }
    const draw = () => {
      if (this.#isQuiet) return;
      const elapsed = Date.now() - began;
      const text = elapsed < barAfterMs ? '' : now() || duration(elapsed);
      this.#stream.write(`\r\x1b[2K  … ${label} ${text}`.slice(0, this.#stream.columns + 4));
    };
    draw();
    const timer = setInterval(draw, 200);
    return () => {
      clearInterval(timer);
      if (!this.#isQuiet) this.#stream.write('\r\x1b[2K');
    };
  }

  /** @param {string} text */
  #aside(text) {
    this.#stream.write(`${this.#isLive ? '\r\x1b[2K' : ''}    ${text}\n`);
  }

  /**
   * @param {string} mark
   * @param {string} text
   * @param {number} ms
   */
  #finish(mark, text, ms) {
    if (this.#isQuiet) return;
    this.line(`  ${mark} ${text.padEnd(64)} ${duration(ms).padStart(8)}`);
  }
}
