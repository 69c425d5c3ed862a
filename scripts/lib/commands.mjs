// @ts-check
import { spawn } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/**
 * Where a command is on the PATH, as the shell would find it; the system's folders of daemons are looked at too,
 * because a plain user's PATH lacks them.
 * @param {string} name
 * @param {NodeJS.ProcessEnv} [env]
 * @returns {string | null}
 */
export function findCommand(name, env = process.env) {
  const folders = [...(env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin', '/usr/local/sbin'];
  for (const folder of folders) {
    if (folder === '') continue;
    const path = join(folder, name);
    if (isExecutable(path)) return path;
  }
  return null;
}

/**
 * @param {string} path
 * @returns {boolean}
 */
export function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/**
 * @typedef {object} Ran
 * @property {number | null} code null: it could not be started or was ended by a signal
 * @property {string} stdout
 * @property {string} stderr
 */

/** @type {Set<import('node:child_process').ChildProcess>} */
const underway = new Set();

/** Ends every command that runs now. */
export function endCommands() {
  for (const child of underway) child.kill();
}

/**
 * Runs a command to its end. Never throws: a failure is in `code` and `stderr`.
 * @param {string} command
 * @param {string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, uid?: number, gid?: number, timeoutMs?: number, input?: string, onLine?: (line: string) => void }} [options]
 *   `onLine` gets every line of both outputs as it comes
 * @returns {Promise<Ran>}
 */
export function run(command, args, { onLine, timeoutMs, input, ...options } = {}) {
  return new Promise((answer) => {
    const child = spawn(command, args, { ...options, timeout: timeoutMs, stdio: ['pipe', 'pipe', 'pipe'] });
    underway.add(child);
    child.once('exit', () => underway.delete(child));
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text));
    if (onLine) {
      eachLine(child.stdout, onLine);
      eachLine(child.stderr, onLine);
    }
    child.once('error', (error) => {
      underway.delete(child);
      answer({ code: null, stdout, stderr: stderr + error.message });
    });
    child.once('close', (code) => answer({ code, stdout, stderr }));
    child.stdin.on('error', () => {}); // a command that does not read its input
    child.stdin.end(input ?? '');
  });
}

/**
 * @param {import('node:stream').Readable} stream
 * @param {(line: string) => void} onLine
 */
function eachLine(stream, onLine) {
  let rest = '';
  stream.on('data', (text) => {
    const lines = (rest + String(text)).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) onLine(line);
  });
}

/**
 * The last lines of an output that say something, for an error message.
 * @param {string} text
 * @param {number} [count]
 * @returns {string}
 */
export function lastLines(text, count = 3) {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .slice(-count)
    .join(' · ');
}
