// @ts-check
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { findCommand, isExecutable, lastLines, run } from './commands.mjs';
import { download } from './download.mjs';
import { buildTemporal } from './go-build.mjs';
import { cacheDir } from './places.mjs';
import { SetupError } from './setup-error.mjs';

/** The release that is downloaded; scripts/temporal-server/go.mod names the same. */
export const cliVersion = '1.8.2';
const oldestServer = [1, 29];

/** SHA-256 of the official archives of that release, by platform. */
const archives = new Map([
  ['linux-x64', { name: 'linux_amd64', sha256: 'd8421bda989e6514b4bdb4d63a9012a8a05a806892e881a5aad8510496349a94' }],
  ['linux-arm64', { name: 'linux_arm64', sha256: '83600a8fac6e3da54093e5da6918d399f501532b9f1172235603f9606f4ac6e4' }],
]);

/**
 * A Temporal server that can be run.
 * @typedef {{ from: 'TEMPORAL_CLI_PATH' | 'PATH' | 'cache' | 'download' | 'build', path: string, serverVersion: string }} TemporalProgram
 *
 * What the ladder tells the terminal: a line, and how far it is (`total` 0: unknown).
 * @typedef {{ say?: (line: string) => void, progress?: (done: number, total: number, unit: string) => void }} Watch
 *
 * @typedef {{ env: NodeJS.ProcessEnv } & Required<Watch>} Rung
 */

/**
 * Finds a server: what the environment names, the PATH, the cache, the official download, a build of the pinned module.
 * A rung that fails says why, and the next is tried.
 * @param {{ env?: NodeJS.ProcessEnv, downloadUrls?: string[] } & Watch} [options] `downloadUrls`: for tests
 * @returns {Promise<TemporalProgram>}
 * @throws {SetupError} none is left
 */
export async function findTemporal({ env = process.env, say = () => {}, progress = () => {}, downloadUrls } = {}) {
  const rungs = [named, onPath, cached, (/** @type {Rung} */ rung) => downloaded(rung, downloadUrls), built];
  for (const rung of rungs) {
    const found = await rung({ env, say, progress });
    if (found === null) continue;
    if (typeof found !== 'string') return found;
    say(`${found}; trying the next way`);
  }
  throw new SetupError(
    'No Temporal server can be had.',
    'Give a cluster with TEMPORAL_ADDRESS, or the Temporal CLI (server 1.29 or newer) with TEMPORAL_CLI_PATH, or install Go 1.19 or newer to build it.',
  );
}

/**
 * Every rung answers with a program, with why it failed, or with null where there is nothing to try.
 * @param {Rung} rung
 * @returns {Promise<TemporalProgram | string | null>}
 */
async function named({ env }) {
  const path = env.TEMPORAL_CLI_PATH;
  if (path === undefined || path === '') return null;
  const version = await usableVersion(path);
  return Array.isArray(version)
    ? `TEMPORAL_CLI_PATH: ${version[0]}`
    : { from: 'TEMPORAL_CLI_PATH', path, serverVersion: version };
}

/** @param {Rung} rung @returns {Promise<TemporalProgram | string | null>} */
async function onPath({ env }) {
  const path = findCommand('temporal', env);
  if (!path) return null;
  const version = await usableVersion(path);
  return Array.isArray(version) ? version[0] : { from: 'PATH', path, serverVersion: version };
}

/** @param {Rung} rung @returns {Promise<TemporalProgram | string | null>} */
async function cached({ env }) {
  const path = cachePath(env);
  if (!existsSync(path)) return null;
  const version = await usableVersion(path);
  return Array.isArray(version) ? version[0] : { from: 'cache', path, serverVersion: version };
}

/**
 * @param {NodeJS.ProcessEnv} env
 * @returns {string}
 */
export function cachePath(env) {
  return join(cacheDir(env), `temporal-${cliVersion}-${process.platform}-${process.arch}`, 'temporal');
}

/**
 * The version of the server in a binary, which is not the CLI's: `temporal version 1.8.2 (Server 1.31.2, UI 2.50.1)`.
 * @param {string} path
 * @returns {Promise<string | [string]>} in an array: why it cannot be used
 */
async function usableVersion(path) {
  if (!isExecutable(path)) return [`${path} is not a program`];
  const asked = await run(path, ['--version'], { timeoutMs: 15_000 });
  const version = /Server (\d+\.\d+\.\d+)/.exec(asked.stdout)?.[1];
  if (asked.code !== 0 || version === undefined) return [`${path} does not say which Temporal server it holds`];
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [oldestMajor = 0, oldestMinor = 0] = oldestServer;
  if (major < oldestMajor || (major === oldestMajor && minor < oldestMinor)) {
    return [`${path} holds server ${version}, which is older than ${oldestServer.join('.')}`];
  }
  return version;
}

/**
 * @param {Rung} rung
 * @param {string[]} [urls]
 * @returns {Promise<TemporalProgram | string | null>}
 */
async function downloaded({ env, say, progress }, urls) {
  const archive = archives.get(`${process.platform}-${process.arch}`);
  if (!archive) return `no checksum is pinned for ${process.platform} ${process.arch}`;
  const [, arch] = archive.name.split('_');
  const official = [
    `https://temporal.download/cli/archive/v${cliVersion}?platform=linux&arch=${arch}`,
    `https://github.com/temporalio/cli/releases/download/v${cliVersion}/temporal_cli_${cliVersion}_${archive.name}.tar.gz`,
  ];
  const reasons = [];
  for (const url of urls ?? official) {
    say(`downloading Temporal ${cliVersion} from ${new URL(url).host}`);
    const failed = await fetchInto(cachePath(env), { url, sha256: archive.sha256, progress });
    if (failed === null) {
      const version = await usableVersion(cachePath(env));
      return Array.isArray(version) ? version[0] : { from: 'download', path: cachePath(env), serverVersion: version };
    }
    reasons.push(failed);
  }
  return `the download fails: ${reasons.join('; ')}`;
}

/**
 * @param {string} path
 * @param {{ url: string, sha256: string, progress: Required<Watch>['progress'] }} source
 * @returns {Promise<string | null>} null: it is there; else why not
 */
async function fetchInto(path, { url, sha256, progress }) {
  const work = join(dirname(path), `work-${process.pid}`);
  mkdirSync(work, { recursive: true });
  try {
    const file = join(work, 'archive.tar.gz');
    await download({ url, sha256, into: file, progress: (done, total) => progress(done, total, 'bytes') });
    const unpacked = await run('tar', ['-xzf', file, '-C', work]);
    if (unpacked.code !== 0) return `the archive cannot be unpacked (${lastLines(unpacked.stderr, 1)})`;
    renameSync(join(work, 'temporal'), path);
    return null;
  } catch (error) {
    return /** @type {Error} */ (error).message;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** @param {Rung} rung @returns {Promise<TemporalProgram | string | null>} */
async function built({ env, say, progress }) {
  const path = cachePath(env);
  const failed = await buildTemporal({
    into: path,
    env,
    say,
    progress: (done, total) => progress(done, total, 'packages'),
  });
  if (failed !== null) return failed;
  const version = await usableVersion(path);
  return Array.isArray(version) ? version[0] : { from: 'build', path, serverVersion: version };
}
