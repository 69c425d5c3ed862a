// @ts-check
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { SetupError } from './setup-error.mjs';

/**
 * Whether something else listens there. A bind answers it for our own address; what listens on all addresses
 * is seen by it too.
 * @param {number} port
 * @returns {Promise<boolean>}
 */
export function isPortTaken(port) {
  return new Promise((answer) => {
    const probe = createServer();
    probe.once('error', () => answer(true));
    probe.listen({ port, host: '127.0.0.1', exclusive: true }, () => probe.close(() => answer(false)));
  });
}

/**
 * A port nobody uses now, given by the system.
 * @returns {Promise<number>}
 */
export function freePort() {
  return new Promise((answer, fail) => {
    const probe = createServer();
    probe.once('error', fail);
    probe.listen({ port: 0, host: '127.0.0.1' }, () => {
      const address = probe.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      probe.close(() => answer(port));
    });
  });
}

/**
 * The port of one server by the rules of the README: one that was asked for by name must be free, a default moves to the next free one.
 * @param {{ variable: string, fallback: number, env: NodeJS.ProcessEnv, say?: (line: string) => void, avoid?: Set<number> }} wish
 *   `avoid` collects the ports already given away in this start.
 * @returns {Promise<number>}
 * @throws {SetupError} the variable is not a port, or its port is taken
 */
export async function choosePort({ variable, fallback, env, say = () => {}, avoid = new Set() }) {
  const asked = env[variable];
  const port = asked ? await portAskedFor(variable, asked, avoid) : await nextFree({ variable, fallback, say, avoid });
  avoid.add(port);
  return port;
}

/**
 * @param {string} variable
 * @param {string} asked
 * @param {Set<number>} avoid
 * @returns {Promise<number>}
 */
async function portAskedFor(variable, asked, avoid) {
  const port = Number(asked);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) {
    throw new SetupError(`${variable} is "${asked}", which is not a port.`, 'Give a whole number from 1 to 65535.');
  }
  if (avoid.has(port) || (await isPortTaken(port))) {
    throw new SetupError(
      `Port ${port}, asked for by ${variable}, is taken.`,
      'Stop what listens there, or choose another.',
    );
  }
  return port;
}

/**
 * @param {{ variable: string, fallback: number, say: (line: string) => void, avoid: Set<number> }} wish
 * @returns {Promise<number>}
 */
async function nextFree({ variable, fallback, say, avoid }) {
  for (let port = fallback; port < fallback + 200 && port <= 65_535; port += 1) {
    if (avoid.has(port) || (await isPortTaken(port)) || !claimed(port)) continue;
    if (port !== fallback) say(`port ${fallback} is taken, using ${port} (${variable} chooses)`);
    return port;
  }
  throw new SetupError(`No port from ${fallback} on is free.`, `Choose one with ${variable}.`);
}

const claimMs = 120_000;

/**
 * Says to other starts on this machine that the port will be listened on soon: between choosing and listening some seconds go by.
 * @param {number} port
 * @returns {boolean} false: another start that is alive has said so within two minutes
 */
function claimed(port) {
  const file = join(tmpdir(), `letterbook-port-${port}`);
  if (isClaimedByAnother(file)) return false;
  try {
    rmSync(file, { force: true });
    writeFileSync(file, String(process.pid), { flag: 'wx' });
    process.once('exit', () => rmSync(file, { force: true }));
    return true;
  } catch (error) {
    // EEXIST: another start was faster. Else it is the leftover of another user, who says nothing any more.
    return /** @type {NodeJS.ErrnoException} */ (error).code !== 'EEXIST';
  }
}

/** @param {string} file */
function isClaimedByAnother(file) {
  try {
    const owner = Number(readFileSync(file, 'utf8'));
    if (owner === process.pid || Date.now() - statSync(file).mtimeMs > claimMs) return false;
    process.kill(owner, 0);
    return true;
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code === 'EPERM'; // alive, of another user
  }
}

/**
 * Waits until a server accepts connections.
 * @param {{ host?: string, port: number, timeoutMs: number, gaveUp?: () => boolean }} wait `gaveUp` says that the server has ended
 * @returns {Promise<boolean>} false: it did not within the time, or ended
 */
export async function portAnswers({ host = '127.0.0.1', port, timeoutMs, gaveUp = () => false }) {
  const end = Date.now() + timeoutMs;
  while (Date.now() < end && !gaveUp()) {
    if (await connects(host, port)) return true;
    await new Promise((wake) => setTimeout(wake, 30));
  }
  return false;
}

/**
 * @param {string} host
 * @param {number} port
 * @returns {Promise<boolean>}
 */
function connects(host, port) {
  return new Promise((answer) => {
    const socket = connect({ port, host, timeout: 1_000 });
    /** @param {boolean} yes */
    const settle = (yes) => {
      socket.destroy();
      answer(yes);
    };
    socket.once('connect', () => settle(true));
    socket.once('error', () => settle(false));
    socket.once('timeout', () => settle(false));
  });
}
