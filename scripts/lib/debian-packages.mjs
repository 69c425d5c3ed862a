// @ts-check
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import { findCommand, lastLines, run } from './commands.mjs';
import { makeReachable } from './places.mjs';
import { SetupError } from './setup-error.mjs';

/**
 * Unpacks packages of this Debian or Ubuntu, with the libraries they need and the system lacks, into a folder.
 * Nothing is installed, and no rights are needed: package lists and downloads are kept in the folder's neighbour.
 * @param {{ names: string[], into: string, say?: (line: string) => void, finish?: (tree: string) => void }} wish `into` appears only
 *   when it is complete; `finish` may change the tree before
 * @throws {SetupError}
 */
export async function unpackDebianPackages({ names, into, say = () => {}, finish = () => {} }) {
  for (const tool of ['apt-get', 'dpkg-deb']) {
    if (!findCommand(tool)) throw new SetupError(`This system has no ${tool}.`, `Install ${names.join(', ')} by hand.`);
  }
  const work = `${into}.work-${process.pid}`;
  rmSync(work, { recursive: true, force: true });
  makeReachable(join(work, 'root'));
  try {
    await downloadInto(work, names, say);
    for (const file of readdirSync(work).filter((name) => name.endsWith('.deb'))) {
      const unpacked = await run('dpkg-deb', ['-x', join(work, file), join(work, 'root')]);
      if (unpacked.code !== 0) {
        throw new SetupError(`${file} cannot be unpacked: ${lastLines(unpacked.stderr)}.`, 'Is the disk full?');
      }
    }
    finish(join(work, 'root'));
    rmSync(into, { recursive: true, force: true });
    renameSync(join(work, 'root'), into);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/**
 * The system's own package lists are tried first; they may be absent (container images) or too old to download from.
 * @param {string} work
 * @param {string[]} names
 * @param {(line: string) => void} say
 */
async function downloadInto(work, names, say) {
  const first = await downloadWith([], work, names, say);
  if (first === null) return;
  say('fetching package lists');
  const lists = join(work, 'lists');
  mkdirSync(join(lists, 'partial'), { recursive: true });
  mkdirSync(join(work, 'cache', 'archives', 'partial'), { recursive: true });
  const own = ['-o', `Dir::State::Lists=${lists}`, '-o', `Dir::Cache=${join(work, 'cache')}`, ...unattended];
  const updated = await run('apt-get', ['update', ...own], { timeoutMs: 300_000 });
  const second = updated.code === 0 ? await downloadWith(own, work, names, say) : lastLines(updated.stderr);
  if (second === null) return;
  throw new SetupError(
    `The packages ${names.join(', ')} cannot be downloaded: ${second}.`,
    'Check the network and /etc/apt/sources.list, or install them by hand.',
  );
}

const unattended = [
  ...['-o', 'Debug::NoLocking=1', '-o', 'APT::Sandbox::User=root', '-o', 'Acquire::Retries=2'],
  ...['-o', 'Acquire::http::Timeout=15', '-o', 'Acquire::https::Timeout=15'],
];

/**
 * @param {string[]} options
 * @param {string} work
 * @param {string[]} names
 * @param {(line: string) => void} say
 * @returns {Promise<string | null>} null: done; else why not
 */
async function downloadWith(options, work, names, say) {
  const plan = await run('apt-get', [
    'install',
    '--print-uris',
    '-y',
    '--no-install-recommends',
    ...unattended,
    ...options,
    ...names,
  ]);
  if (plan.code !== 0) return lastLines(plan.stderr);
  const wanted = new Set([...names, ...librariesOf(plan.stdout)]);
  say(`downloading ${wanted.size} packages`);
  const got = await run('apt-get', ['download', ...unattended, ...options, ...wanted], {
    cwd: work,
    timeoutMs: 300_000,
  });
  return got.code === 0 ? null : lastLines(got.stderr);
}

/**
 * The libraries in a plan of apt: lines `'URI' file.deb size hash`, of packages that the system lacks. Programs and set-up
 * scripts among the dependencies are of no use to something that is only unpacked.
 * @param {string} plan
 * @returns {string[]}
 */
export function librariesOf(plan) {
  return plan
    .split('\n')
    .map((line) => /^'[^']+' (lib[^_]+)_/.exec(line)?.[1])
    .filter((name) => name !== undefined);
}

/**
 * Folders of shared libraries in an unpacked tree, for LD_LIBRARY_PATH.
 * @param {string} root
 * @returns {string[]}
 */
export function libraryFolders(root) {
  const parents = ['usr/lib', 'lib'].map((name) => join(root, name)).filter((path) => existsSync(path));
  return parents.flatMap((parent) => {
    const triplets = readdirSync(parent).filter((name) => /-linux-gnu/.test(name));
    return [parent, ...triplets.map((name) => join(parent, name)), join(parent, 'dovecot')];
  });
}
