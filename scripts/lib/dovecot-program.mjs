// @ts-check
import { createHash } from 'node:crypto';
import {
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';

import { findCommand, isExecutable, lastLines, run } from './commands.mjs';
import { libraryFolders, unpackDebianPackages } from './debian-packages.mjs';
import { programPlace, serverAccount } from './places.mjs';
import { SetupError } from './setup-error.mjs';

/**
 * A Dovecot that can be run, and how it was had.
 * @typedef {object} DovecotProgram
 * @property {'installed' | 'unpacked' | 'docker'} from
 * @property {string} version such as 2.3.19.1
 * @property {string} command the server, or docker
 * @property {string} libexecDir
 * @property {string} libraryPath for LD_LIBRARY_PATH; empty where the system's are enough
 */

export const dovecotImage = 'dovecot/dovecot:2.3.21.1';
const packages = ['dovecot-core', 'dovecot-imapd', 'dovecot-lmtpd'];

/**
 * Finds Dovecot: installed; else Debian's packages, unpacked into the cache; else an image for Docker. Nothing is installed.
 * @param {{ env?: NodeJS.ProcessEnv, say?: (line: string) => void }} [options]
 * @returns {Promise<DovecotProgram>}
 * @throws {SetupError} there is none, with each reason and the remedy
 */
export async function findDovecot({ env = process.env, say = () => {} } = {}) {
  const reasons = [];
  for (const rung of [installedDovecot, unpackedDovecot, dockerDovecot]) {
    const found = await rung(env, say);
    if (typeof found !== 'string') return found;
    reasons.push(found);
  }
  throw new SetupError(
    `There is no Dovecot: ${reasons.join('; ')}.`,
    'Install Dovecot with its IMAP and LMTP parts, or Docker.',
  );
}

/**
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<DovecotProgram | string>} a string: why not
 */
async function installedDovecot(env) {
  const command = findCommand('dovecot', env);
  if (!command) return 'none is installed';
  const prefix = dirname(dirname(command));
  const folders = [
    join(prefix, 'libexec/dovecot'),
    join(prefix, 'lib/dovecot'),
    '/usr/libexec/dovecot',
    '/usr/lib/dovecot',
  ];
  const libexecDir = folders.find((folder) => ['imap', 'lmtp'].every((name) => isExecutable(join(folder, name))));
  if (!libexecDir) return `${command} lacks its IMAP or LMTP part`;
  const version = await versionOf(command, '');
  if (version === null) return `${command} does not run`;
  return { from: 'installed', version, command, libexecDir, libraryPath: '' };
}

/**
 * @param {string} command
 * @param {string} libraryPath
 * @returns {Promise<string | null>}
 */
async function versionOf(command, libraryPath) {
  const env = libraryPath === '' ? process.env : { ...process.env, LD_LIBRARY_PATH: libraryPath };
  const asked = await run(command, ['--version'], { env });
  return asked.code === 0 ? (/^[\d.]+/.exec(asked.stdout)?.[0] ?? null) : null;
}

/**
 * @param {NodeJS.ProcessEnv} env
 * @param {(line: string) => void} say
 * @returns {Promise<DovecotProgram | string>}
 */
async function unpackedDovecot(env, say) {
  if (process.platform !== 'linux' || !findCommand('apt-get', env)) return 'this is not Debian or Ubuntu';
  const account = await serverAccount(['nobody']);
  // The number changes with what is done to the unpacked files.
  const release = (await run('sh', ['-c', '. /etc/os-release && echo "$ID-$VERSION_ID"'])).stdout.trim();
  const root = programPlace(`dovecot-${release}-${process.arch}-2`, account, env);
  const known = await unpackedAt(root);
  if (known) return known;
  try {
    await unpackDebianPackages({
      names: packages,
      into: root,
      say,
      finish: (tree) => redirectFixedPlaces(tree, root),
    });
  } catch (error) {
    if (error instanceof SetupError) return error.problem.replace(/\.$/, '');
    throw error;
  }
  return (await unpackedAt(root)) ?? 'the unpacked packages do not run on this system';
}

/**
 * @param {string} root
 * @returns {Promise<DovecotProgram | null>}
 */
async function unpackedAt(root) {
  const command = join(root, 'usr/sbin/dovecot');
  if (!isExecutable(command)) return null;
  const libraryPath = libraryFolders(root).join(':');
  const version = await versionOf(command, libraryPath);
  const libexecDir = ['usr/libexec/dovecot', 'usr/lib/dovecot']
    .map((path) => join(root, path))
    .find((path) => existsSync(join(path, 'imap')));
  if (version === null || !libexecDir) return null;
  makeLinks(root);
  return { from: 'unpacked', version, command, libexecDir, libraryPath };
}

/** What Dovecot looks for at places that are fixed when it is compiled, whatever the settings say: its TLS part, and the reader of its settings. */
const fixedPlaces = ['/usr/lib/dovecot/modules', '/usr/bin/doveconf'];

/**
 * In the unpacked programs each fixed place is replaced by one of the same length, a link that leads to where the thing is.
 * @param {string} tree
 * @param {string} root where the tree will be
 */
function redirectFixedPlaces(tree, root) {
  for (const entry of readdirSync(tree, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const bytes = readFileSync(path);
    if (bytes.subarray(0, 4).toString('latin1') !== '\x7fELF') continue;
    const found = fixedPlaces.map((place) => replaceAll(bytes, place, linkFor(root, place)));
    if (found.includes(true)) writeFileSync(path, bytes);
  }
}

/**
 * @param {Buffer} bytes
 * @param {string} from
 * @param {string} to of the same length
 * @returns {boolean} there was something to replace
 */
function replaceAll(bytes, from, to) {
  const first = bytes.indexOf(from);
  for (let at = first; at >= 0; at = bytes.indexOf(from, at + to.length)) bytes.write(to, at, 'latin1');
  return first >= 0;
}

/**
 * @param {string} root
 * @param {string} place
 * @returns {string} exactly as long as the place it stands for
 */
function linkFor(root, place) {
  const prefix = '/tmp/lb-';
  const name = createHash('sha256').update(`${root}\0${place}`).digest('hex');
  return prefix + name.slice(0, place.length - prefix.length);
}

/**
 * /tmp may have been emptied since. A link that another user put there is never followed: programs are loaded through it.
 * @param {string} root
 */
function makeLinks(root) {
  for (const place of fixedPlaces) {
    const link = linkFor(root, place);
    const target = join(root, place);
    const there = lstatSync(link, { throwIfNoEntry: false });
    if (there && (!there.isSymbolicLink() || there.uid !== process.getuid?.())) {
      throw new SetupError(`${link} is not ours.`, 'Have its owner remove it.');
    }
    if (there && readlinkSync(link) === target) continue;
    rmSync(link, { force: true });
    symlinkSync(target, link);
  }
}

/**
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<DovecotProgram | string>}
 */
async function dockerDovecot(env) {
  const command = findCommand('docker', env);
  if (!command) return 'there is no docker command';
  const info = await run(command, ['info'], { timeoutMs: 10_000 });
  if (info.code !== 0) return `docker does not answer (${lastLines(info.stderr, 1)})`;
  const pulled = await run(command, ['pull', '-q', dovecotImage], { timeoutMs: 300_000 });
  if (pulled.code !== 0) return `the image ${dovecotImage} cannot be had (${lastLines(pulled.stderr, 1)})`;
  return {
    from: 'docker',
    version: '2.3.21.1',
    command,
    libexecDir: '/usr/lib/dovecot',
    libraryPath: '',
  };
}
