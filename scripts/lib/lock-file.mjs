// @ts-check

/**
 * @typedef {object} LockedPackage
 * @property {string} [version]
 * @property {boolean} [optional]
 * @property {boolean} [dev]
 * @property {string[]} [os]
 * @property {string[]} [cpu]
 * @property {string[]} [libc]
 * @property {Record<string, string>} [optionalDependencies]
 *
 * @typedef {{ packages: Record<string, LockedPackage> }} LockFile
 */

const systems = [
  'aix',
  'android',
  'darwin',
  'freebsd',
  'linux',
  'netbsd',
  'openbsd',
  'openharmony',
  'sunos',
  'win32',
  'windows',
];
const processors = [
  'arm64',
  'arm',
  'ia32',
  'loong64',
  'mips64el',
  'mips64',
  'ppc64',
  'riscv64',
  's390x',
  'x64',
  'wasm32',
];

/**
 * A lock file with an entry for every optional dependency of its packages. The platform is in the names of such packages; npm skips
 * those of others by it, and so never fetches them.
 * @param {LockFile} lock
 * @returns {{ lock: LockFile, added: string[] }}
 */
export function completed(lock) {
  /** @type {Record<string, LockedPackage>} */
  const more = {};
  for (const [path, { optionalDependencies = {}, dev }] of Object.entries(lock.packages)) {
    for (const [name, version] of Object.entries(optionalDependencies)) {
      const isThere = places(path, name).some((place) => place in lock.packages || place in more);
      if (isThere || !/^\d+\.\d+\.\d+/.test(version)) continue;
      more[`node_modules/${name}`] = { version, ...platformOf(name), ...(dev ? { dev } : {}), optional: true };
    }
  }
  const packages = Object.fromEntries(
    Object.entries({ ...lock.packages, ...more }).sort(([one], [other]) => (one < other ? -1 : 1)),
  );
  return { lock: { ...lock, packages }, added: Object.keys(more) };
}

/**
 * Where a dependency of the package at `path` may be, as Node looks for it.
 * @param {string} path
 * @param {string} name
 * @returns {string[]}
 */
function places(path, name) {
  const found = [];
  for (let at = path; at !== ''; at = at.slice(0, Math.max(0, at.lastIndexOf('/node_modules/')))) {
    found.push(`${at}/node_modules/${name}`);
  }
  return [...found, `node_modules/${name}`];
}

/**
 * @param {string} name such as `@swc/core-linux-arm64-musl`
 * @returns {{ os?: string[], cpu?: string[], libc?: string[] }}
 */
export function platformOf(name) {
  const words = name.split(/[/_-]/);
  const os = systems.find((system) => words.includes(system));
  const cpu = processors.find((processor) => words.includes(processor));
  const isMusl = words.some((word) => word.startsWith('musl'));
  const isGnu = words.some((word) => word.startsWith('gnu'));
  return {
    ...(cpu ? { cpu: [cpu] } : {}),
    ...(os === 'linux' && (isMusl || isGnu) ? { libc: [isMusl ? 'musl' : 'glibc'] } : {}),
    ...(os ? { os: [os === 'windows' ? 'win32' : os] } : {}),
  };
}
