// @ts-check
import { spawn } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';

import { run } from './commands.mjs';
import { SetupError } from './setup-error.mjs';

/**
 * A process as it is recorded: a process id alone may belong to something else by the next start.
 * @typedef {{ name: string, pid: number, startedAt: string, endSignal: NodeJS.Signals }} ProcessRecord
 * @typedef {{ owner: { pid: number, startedAt: string }, processes: ProcessRecord[] }} RecordFile
 *
 * @typedef {object} Running
 * @property {string} name
 * @property {number} pid
 * @property {Promise<string>} ended how it ended, for people
 * @property {() => boolean} hasEnded
 * @property {(graceMs?: number) => Promise<'ended' | 'killed'>} stop
 */

/**
 * When a process started: on Linux the boot's id and the clock ticks since then (proc(5), field 22 of stat), elsewhere
 * what `ps` says. Null: there is no such process, or it is only waiting to be collected.
 * @param {number} pid
 * @returns {Promise<string | null>}
 */
export async function startOf(pid) {
  if (process.platform !== 'linux') {
    const shown = await run('ps', ['-o', 'lstart=', '-p', String(pid)]);
    return shown.code === 0 && shown.stdout.trim() !== '' ? shown.stdout.trim() : null;
  }
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name, in parentheses, may hold spaces and parentheses itself: what follows the last one is field 3 on.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (fields[0] === 'Z' || fields[0] === 'X') return null;
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()}/${fields[19]}`;
  } catch {
    return null;
  }
}

/**
 * Remembers the processes of one start in a file, so that the next one can end what a `kill -9` left behind.
 * @param {string} file
 */
export class ProcessRecords {
  /** @type {ProcessRecord[]} */
  #processes = [];
  /** Everything is being ended. */
  isClosing = false;
  /**
   * What runs, in the order in which it was started.
   * @type {Running[]}
   */
  running = [];
  /** @type {{ pid: number, startedAt: string }} */
  #owner = { pid: process.pid, startedAt: '' };

  /** @param {string} file */
  constructor(file) {
    this.file = file;
  }

  /**
   * Ends what an earlier start left running, and takes the file over.
   * @param {{ say?: (line: string) => void, graceMs?: number }} [options]
   * @returns {Promise<string[]>} the names of the processes that were ended
   * @throws {SetupError} the earlier start is still running
   */
  async takeOver({ say = () => {}, graceMs = 5_000 } = {}) {
    const earlier = readRecords(this.file);
    const { owner } = earlier;
    if (owner.pid !== process.pid && (await isSame(owner))) {
      throw new SetupError(
        `Letterbook is running already (process ${owner.pid}).`,
        'Stop it first, or set LETTERBOOK_HOME.',
      );
    }
    const ended = [];
    for (const record of earlier.processes.toReversed()) {
      if (!(await isSame(record))) continue;
      say(`ending ${record.name} of an earlier start (process ${record.pid})`);
      await endProcess(record, graceMs);
      ended.push(record.name);
    }
    this.#owner = { pid: process.pid, startedAt: (await startOf(process.pid)) ?? '' };
    this.#write();
    return ended;
  }

  /** @throws {SetupError} everything is being ended, so nothing new is started */
  assertOpen() {
    if (this.isClosing) throw new SetupError('Letterbook is ending.', 'Start it again.');
  }

  /** From now on nothing new is started. */
  beginClosing() {
    this.isClosing = true;
  }

  /**
   * @param {ProcessRecord} record
   * @param {Running} running
   */
  add(record, running) {
    this.#processes.push(record);
    this.running.push(running);
    this.#write();
  }

  /** @param {number} pid */
  remove(pid) {
    this.#processes = this.#processes.filter((record) => record.pid !== pid);
    this.running = this.running.filter((running) => running.pid !== pid);
    this.#write();
  }

  /** Everything has ended in order. The file of another start is left alone. */
  close() {
    if (this.#owner.startedAt !== '') rmSync(this.file, { force: true });
  }

  #write() {
    mkdirSync(dirname(this.file), { recursive: true });
    writeFileSync(`${this.file}.new`, JSON.stringify({ owner: this.#owner, processes: this.#processes }), {
      mode: 0o600,
    });
    renameSync(`${this.file}.new`, this.file);
  }
}

/**
 * @param {string} file
 * @returns {RecordFile}
 */
function readRecords(file) {
  const nothing = { owner: { pid: 0, startedAt: '' }, processes: [] };
  if (!existsSync(file)) return nothing;
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return nothing; // half a file of a machine that lost power: its processes are gone too
  }
}

/**
 * @param {{ pid: number, startedAt: string }} record
 * @returns {Promise<boolean>}
 */
async function isSame({ pid, startedAt }) {
  return pid > 0 && startedAt !== '' && (await startOf(pid)) === startedAt;
}

/**
 * @param {Pick<ProcessRecord, 'pid' | 'startedAt' | 'endSignal'>} record
 * @param {number} graceMs
 * @returns {Promise<'ended' | 'killed'>}
 */
export async function endProcess(record, graceMs) {
  const deadline = Date.now() + graceMs;
  signal(record.pid, record.endSignal);
  while (Date.now() < deadline) {
    if (!(await isSame(record))) return 'ended';
    await new Promise((wake) => setTimeout(wake, 25));
  }
  signal(record.pid, 'SIGKILL');
  while (await isSame(record)) await new Promise((wake) => setTimeout(wake, 25));
  return 'killed';
}

/**
 * @param {number} pid
 * @param {NodeJS.Signals} name
 */
function signal(pid, name) {
  try {
    process.kill(pid, name);
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'ESRCH') throw error;
  }
}

/**
 * Starts a server in a session of its own, so that Ctrl-C in the terminal reaches only us, who end everything in order.
 * @param {object} wish
 * @param {string} wish.name
 * @param {string} wish.command
 * @param {string[]} wish.args
 * @param {ProcessRecords} wish.records
 * @param {string} wish.logFile gets both outputs
 * @param {string} [wish.cwd]
 * @param {NodeJS.ProcessEnv} [wish.env]
 * @param {number} [wish.uid]
 * @param {number} [wish.gid]
 * @param {NodeJS.Signals} [wish.endSignal]
 * @returns {Promise<Running>}
 * @throws {SetupError} it cannot be started at all
 */
export async function startProcess({ name, command, args, records, logFile, endSignal = 'SIGTERM', ...options }) {
  records.assertOpen();
  mkdirSync(dirname(logFile), { recursive: true });
  keepSmall(logFile);
  const log = openSync(logFile, 'a', 0o600);
  const child = spawn(command, args, { ...options, detached: true, stdio: ['ignore', log, log] });
  closeSync(log);
  let over = false;
  const ended = new Promise((/** @type {(how: string) => void} */ answer) => {
    child.once('error', (error) => answer(error.message));
    child.once('exit', (code, by) => answer(by === null ? `exit code ${code}` : `signal ${by}`));
  }).then((how) => {
    over = true;
    return how;
  });
  const { pid } = child;
  if (pid === undefined)
    throw new SetupError(`${name} cannot be started: ${await ended}.`, `Try it by hand: ${command}`);
  const record = { name, pid, startedAt: (await startOf(pid)) ?? '', endSignal };
  /** @type {Running} */
  const running = {
    name,
    pid,
    ended,
    hasEnded: () => over,
    stop: async (graceMs = 10_000) => {
      const how = over ? 'ended' : await endProcess(record, graceMs);
      await ended;
      records.remove(pid);
      return how;
    },
  };
  records.add(record, running);
  return running;
}

const largestLogBytes = 20_000_000;

/**
 * One older log is kept.
 * @param {string} logFile
 */
function keepSmall(logFile) {
  if (existsSync(logFile) && statSync(logFile).size > largestLogBytes) renameSync(logFile, `${logFile}.old`);
}

/**
 * What a server wrote last, for an error message: the line that names an error, if one does.
 * @param {string} logFile
 * @returns {string}
 */
export function endOfLog(logFile) {
  if (!existsSync(logFile)) return '';
  const lines = readFileSync(logFile, 'utf8').trim().split('\n').slice(-60);
  const named = lines.findLast((line) => /^\S*Error\b.*: |\b(FATAL|Fatal|has ended)\b.*: /.test(line));
  return named ?? lines.slice(-5).join('\n');
}
