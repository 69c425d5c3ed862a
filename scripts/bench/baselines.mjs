// @ts-check
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { findCommand, isExecutable, run } from '../lib/commands.mjs';
import { libraryFolders, unpackDebianPackages } from '../lib/debian-packages.mjs';
import { programPlace, serverAccount } from '../lib/places.mjs';
import { SetupError } from '../lib/setup-error.mjs';
import { cpuSecondsOf, peakMegabytesOf } from './processes.mjs';

/**
 * @typedef {object} Result
 * @property {number} messages
 * @property {number} seconds
 * @property {number} cpuSeconds of the client
 * @property {number | null} peakMegabytes of the client
 */

/**
 * imapflow, one process: fetched and thrown away, or given to simpleParser first.
 * @param {'fetch' | 'parse'} kind @param {import('../demo/deliver.mjs').MailServer} server
 * @returns {Promise<Result>}
 */
export async function imapflowBaseline(kind, server) {
  const script = fileURLToPath(new URL('baseline.mjs', import.meta.url));
  const done = await run(process.execPath, [script, kind, JSON.stringify(server)], { timeoutMs: 1_800_000 });
  if (done.code !== 0) throw new Error(`The baseline ${kind} fails: ${done.stderr}`);
  return JSON.parse(done.stdout);
}

/** @typedef {{command: string, libraryPath: string}} Mbsync */

/**
 * mbsync: on the PATH, else Debian's package unpacked into the cache.
 * @param {(line: string) => void} say
 * @returns {Promise<Mbsync | null>} null: it cannot be had, which is said
 */
export async function findMbsync(say) {
  const installed = findCommand('mbsync');
  if (installed) return { command: installed, libraryPath: '' };
  const into = programPlace('isync', await serverAccount(['nobody']));
  const command = join(into, 'usr/bin/mbsync');
  try {
    if (!isExecutable(command)) await unpackDebianPackages({ names: ['isync'], into, say });
    return { command, libraryPath: libraryFolders(into).join(':') };
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    say(`without mbsync: ${error.message}`);
    return null;
  }
}

/**
 * mbsync pulls INBOX into a new Maildir, with fsync.
 * @param {Mbsync} mbsync @param {import('../demo/deliver.mjs').MailServer} server @param {string} dir where it may make a folder of its own
 * @returns {Promise<Result>}
 */
export async function mbsyncBaseline({ command, libraryPath }, server, dir) {
  const place = mkdtempSync(join(dir, 'mbsync-'));
  try {
    mkdirSync(join(place, 'mail'));
    const config = join(place, 'mbsyncrc');
    writeFileSync(config, configOf(server, place), { mode: 0o600 });
    const env = { ...process.env, HOME: place, ...(libraryPath === '' ? {} : { LD_LIBRARY_PATH: libraryPath }) };
    const measured = await watched(command, ['-q', '-c', config, 'bench'], env);
    return { messages: readdirSync(join(place, 'mail', 'cur')).length, ...measured };
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}

/** @param {import('../demo/deliver.mjs').MailServer} server @param {string} place */
function configOf({ host, imapPort, user, password }, place) {
  return [
    'FSync yes',
    'IMAPAccount bench',
    `Host ${host}`,
    `Port ${imapPort}`,
    `User ${user}`,
    `Pass ${password}`,
    'SSLType None',
    'AuthMechs LOGIN',
    '',
    'IMAPStore there',
    'Account bench',
    '',
    'MaildirStore here',
    `Inbox ${place}/mail/`,
    '',
    'Channel bench',
    'Far :there:INBOX',
    'Near :here:INBOX',
    'Create Near',
    'Sync PullNew',
    `SyncState ${place}/state`,
    '',
  ].join('\n');
}

/**
 * Runs a program and looks at it while it runs: its use of CPU and memory is read until the end.
 * @param {string} command @param {string[]} args @param {NodeJS.ProcessEnv} env
 * @returns {Promise<Omit<Result, 'messages'>>}
 */
function watched(command, args, env) {
  return new Promise((resolve, reject) => {
    const began = performance.now();
    const child = spawn(command, args, { env, stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    let seen = { cpuSeconds: 0, peakMegabytes: /** @type {number | null} */ (null) };
    child.stderr.on('data', (bytes) => (said += bytes));
    const look = setInterval(() => {
      const pid = child.pid ?? 0;
      seen = {
        cpuSeconds: Math.max(seen.cpuSeconds, cpuSecondsOf(pid)),
        peakMegabytes: peakMegabytesOf(pid) ?? seen.peakMegabytes,
      };
    }, 100);
    child.once('error', reject);
    child.once('close', (code) => {
      clearInterval(look);
      if (code === 0) resolve({ seconds: (performance.now() - began) / 1_000, ...seen });
      else reject(new Error(`mbsync fails: ${said.trim()}`));
    });
  });
}
