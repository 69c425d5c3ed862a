import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { constants, Script } from 'node:vm';

const projectDir = join(__dirname, '..', '..');

/** jest runs tests as CommonJS in a context of its own, where a script, which is an ES module, cannot be imported; this is the `import` of the context outside. */
const importOutside = new Script('(url) => import(url)', {
  importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
}).runInThisContext() as (url: string) => Promise<unknown>;

/**
 * The exports of one of our scripts, e.g. `importScript<Ports>('scripts/lib/ports.mjs')`.
 * The caller names their type, because tests are checked without the scripts.
 */
export async function importScript<Exports>(path: string): Promise<Exports> {
  return (await importOutside(pathToFileURL(join(projectDir, path)).href)) as Exports;
}
