import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';

const root = join(__dirname, '../..');
const bundled = ['src/workflows', 'src/domain'];

/** The workflows as they are now, bundled as the build does it, for a worker of a test. Whoever asks first bundles them, for all test files. */
export async function workflowBundle(): Promise<{ codePath: string }> {
  const codePath = join(root, 'node_modules/.cache/letterbook', `workflows-${fingerprint()}.js`);
  if (!existsSync(codePath)) {
    const workflowsPath = join(root, 'src/workflows/index.ts');
    const logger = new DefaultLogger('ERROR');
    const { code } = await bundleWorkflowCode({ workflowsPath, preloadModules: [workflowsPath], logger });
    mkdirSync(dirname(codePath), { recursive: true });
    const unfinished = `${codePath}.${String(process.pid)}`;
    writeFileSync(unfinished, code);
    renameSync(unfinished, codePath);
  }
  return { codePath };
}

function fingerprint(): string {
  const hash = createHash('sha256').update(readFileSync(require.resolve('@temporalio/worker/package.json')));
  for (const file of bundled.flatMap(filesIn).sort()) hash.update(`${file}\n`).update(readFileSync(file));
  return hash.digest('hex').slice(0, 16);
}

function filesIn(folder: string): string[] {
  const entries = readdirSync(join(root, folder), { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
}
