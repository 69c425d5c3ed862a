// @ts-check
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

import { filesIn, versionOf, writeWhole } from './fingerprint.mjs';
import { projectDir } from './places.mjs';
import { SetupError } from './setup-error.mjs';

const manifestFile = 'dist/.compiled.json';

/** Types are checked by `npm run typecheck`; here they are taken away, as tsconfig.json says. */
const options = {
  jsc: {
    parser: { syntax: /** @type {const} */ ('typescript') },
    target: /** @type {const} */ ('es2023'),
    keepClassNames: true,
  },
  // A dynamic import stays one, as in TypeScript's `node20`: it can load ES modules.
  module: { type: /** @type {const} */ ('commonjs'), ignoreDynamic: true },
  sourceMaps: true,
};

/**
 * Brings dist up to date with src: compiles what changed, removes what has no source any more.
 * @returns {{ compiled: number, total: number }}
 * @throws {SetupError} a file cannot be parsed
 */
export function compileSources() {
  const sources = filesIn('src').filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts'));
  const salt = `${versionOf('@swc/core')} ${JSON.stringify(options)}`;
  const before = readManifest();
  /** @type {Record<string, string>} */
  const after = {};
  let compiled = 0;
  for (const source of sources) {
    const code = readFileSync(join(projectDir, source), 'utf8');
    const hash = createHash('sha256').update(salt).update(code).digest('hex');
    const target = targetOf(source);
    after[source] = hash;
    if (before[source] === hash && existsSync(join(projectDir, target))) continue;
    compileOne(source, code, target);
    compiled += 1;
  }
  removeStale(new Set(sources.map(targetOf)));
  writeWhole(join(projectDir, manifestFile), JSON.stringify(after));
  return { compiled, total: sources.length };
}

/** @param {string} source */
function targetOf(source) {
  return source.replace(/^src/, 'dist').replace(/\.ts$/, '.js');
}

/**
 * @param {string} source
 * @param {string} code
 * @param {string} target
 */
function compileOne(source, code, target) {
  /** @type {typeof import('@swc/core')} */
  const { transformSync } = createRequire(join(projectDir, 'package.json'))('@swc/core');
  try {
    const made = transformSync(code, {
      ...options,
      filename: join(projectDir, source),
      swcrc: false,
      configFile: false,
    });
    const map = `${target.slice(target.lastIndexOf('/') + 1)}.map`;
    writeWhole(join(projectDir, `${target}.map`), made.map ?? '');
    writeWhole(join(projectDir, target), `${made.code}\n//# sourceMappingURL=${map}\n`);
  } catch (error) {
    throw new SetupError(`${source} cannot be compiled.`, /** @type {Error} */ (error).message, error);
  }
}

/** @param {Set<string>} targets */
function removeStale(targets) {
  for (const file of filesIn('dist')) {
    const code = file.replace(/\.map$/, '');
    if (code.endsWith('.js') && code !== 'dist/workflow-bundle.js' && !targets.has(code))
      rmSync(join(projectDir, file));
  }
  for (const name of readdirSync(join(projectDir, 'dist')).filter((entry) => /\.new-\d+$/.test(entry))) {
    rmSync(join(projectDir, 'dist', name), { force: true });
  }
}

/** @returns {Record<string, string>} */
function readManifest() {
  try {
    return JSON.parse(readFileSync(join(projectDir, manifestFile), 'utf8'));
  } catch {
    return {};
  }
}
