// @ts-check
import { createRequire } from 'node:module';
import { join } from 'node:path';

import { lastLines, run } from './commands.mjs';
import { compileSources } from './compile.mjs';
import { filesIn, fingerprintOf, onceFor, versionOf, writeWhole } from './fingerprint.mjs';
import { withLock } from './lock.mjs';
import { installPackages } from './packages.mjs';
import { projectDir } from './places.mjs';
import { SetupError } from './setup-error.mjs';

/**
 * Makes everything that runs from what is in the clone; each step is left out when its inputs are those of the last time.
 * @param {import('./terminal.mjs').Terminal} terminal
 * @throws {SetupError}
 */
export async function build(terminal) {
  await withLock(`build of ${projectDir}`, async () => {
    await terminal.step('Packages', async ({ progress, detail }) => detail(`(${await installPackages({ progress })})`));
    await terminal.step('Database client', async ({ detail }) => detail(`(${await generateClient()})`));
    await terminal.step('Program', async ({ detail }) => {
      const { compiled, total } = compileSources();
      detail(`(${compiled} of ${total} files compiled)`);
    });
    await terminal.step('Workflow bundle', async ({ detail }) => detail(`(${await bundleWorkflows()})`));
  });
}

/** @returns {Promise<'done' | 'unchanged'>} */
export function generateClient() {
  const inputs = ['prisma/schema.prisma', 'prisma.config.ts'];
  return onceFor({
    stamp: 'src/db/generated/.inputs',
    result: 'src/db/generated/client.ts',
    fingerprint: fingerprintOf(inputs, [versionOf('prisma')]),
    work: async () => {
      const entry = createRequire(join(projectDir, 'package.json')).resolve('prisma/build/index.js');
      // Making the client needs no engine, but Prisma fetches one unless it is told that there is one.
      const env = { ...process.env, PRISMA_SCHEMA_ENGINE_BINARY: process.execPath, CHECKPOINT_DISABLE: '1' };
      const done = await run(process.execPath, [entry, 'generate'], { cwd: projectDir, env });
      if (done.code !== 0) {
        throw new SetupError(`prisma generate fails: ${lastLines(done.stderr, 4)}.`, 'See prisma/schema.prisma.');
      }
    },
  });
}

/**
 * The workflows as one file, as the worker loads it; made here so that a mistake shows now and a start is quick.
 * @returns {Promise<'done' | 'unchanged'>}
 */
function bundleWorkflows() {
  const inputs = ['dist/workflows', 'dist/domain'].flatMap(filesIn).filter((file) => file.endsWith('.js'));
  return onceFor({
    stamp: 'dist/.workflow-bundle',
    result: 'dist/workflow-bundle.js',
    fingerprint: fingerprintOf(inputs, [
      'preloaded',
      versionOf('@temporalio/worker'),
      versionOf('@temporalio/workflow'),
    ]),
    work: async () => {
      /** @type {typeof import('@temporalio/worker')} */
      const { bundleWorkflowCode, DefaultLogger } = createRequire(join(projectDir, 'package.json'))(
        '@temporalio/worker',
      );
      const logger = new DefaultLogger('ERROR');
      const workflowsPath = join(projectDir, 'dist/workflows/index.js');
      // Loaded once for all workflows: they keep nothing in their modules, and each of thousands with modules of its own takes 47 kB more.
      const { code } = await bundleWorkflowCode({ workflowsPath, preloadModules: [workflowsPath], logger });
      writeWhole(join(projectDir, 'dist/workflow-bundle.js'), code);
    },
  });
}
