import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { WorkflowHandle } from '@temporalio/client';
import { historyToJSON } from '@temporalio/common/lib/proto-utils';

const directory = join(__dirname, '..', 'replay');

/** Keeps the history of a run as a file, when LETTERBOOK_RECORD_HISTORIES=1; else does nothing. */
export async function keepHistory(handle: WorkflowHandle, name: string): Promise<void> {
  if (process.env['LETTERBOOK_RECORD_HISTORIES'] !== '1') return;
  await mkdir(directory, { recursive: true });
  const history = JSON.parse(historyToJSON(await handle.fetchHistory()), withoutMachine) as unknown;
  await writeFile(join(directory, `${name}.json`), `${JSON.stringify(history)}\n`);
}

/** Process and host names say nothing about the run. */
function withoutMachine(key: string, value: unknown): unknown {
  return key === 'identity' ? 'worker' : value;
}

/** The recorded histories: what running workflows of earlier versions look like. */
export async function recordedHistories(): Promise<{ name: string; history: unknown }[]> {
  const files = (await readdir(directory)).filter((file) => file.endsWith('.json')).sort();
  return Promise.all(
    files.map(async (file) => ({
      name: file.replace(/\.json$/, ''),
      history: JSON.parse(await readFile(join(directory, file), 'utf8')) as unknown,
    })),
  );
}
