import { mkdir, open, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';

import { z } from 'zod';

import type { Erasure } from './journal';

const line = z.object({
  tenantId: z.uuid(),
  id: z.uuid(),
  kind: z.enum(['mailbox', 'record', 'user', 'person', 'tenant']),
  targetId: z.uuid().nullable(),
  addressHashes: z.array(z.string()),
  actor: z.string(),
  at: z.iso.datetime(),
});

/** The file of the journal cannot be used; the message names it and the remedy. */
class ErasureFileError extends Error {
  override readonly name = 'ErasureFileError';
}

/**
 * The erasures that the file holds, in its order, each once; none where there is no file. What a crash cut off in the middle of a line is
 * left out: its row was committed before, and is written again.
 * @throws ErasureFileError where a line is whole and yet not one of ours
 */
export async function readErasureFile(path: string): Promise<Erasure[]> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if (typeof error === 'object' && error !== null && 'code' in error && error.code === 'ENOENT') return '';
    throw error;
  });
  const erasures = new Map<string, Erasure>();
  text.split('\n').forEach((content, n) => {
    // The lines are flat objects: one that was cut off does not end with a brace.
    if (!content.endsWith('}')) return;
    const erasure = parsed(content);
    if (erasure === null) {
      throw new ErasureFileError(
        `Line ${String(n + 1)} of ${path} cannot be read. Put the file back from a copy: what it lists must be erased again after a restore.`,
      );
    }
    erasures.set(erasure.id, erasure);
  });
  return [...erasures.values()];
}

function parsed(content: string): Erasure | null {
  try {
    const { at, ...erasure } = line.parse(JSON.parse(content));
    return { ...erasure, at: new Date(at) };
  } catch {
    return null;
  }
}

/** Appends erasures, durably: when it resolves they are on the disk. They begin with a line break of their own after a line that was cut off. */
export async function appendToErasureFile(path: string, erasures: Erasure[]): Promise<void> {
  if (erasures.length === 0) return;
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const file = await open(path, 'a', 0o600);
  try {
    const lines = erasures.map(
      (erasure) => `${JSON.stringify(line.parse({ ...erasure, at: erasure.at.toISOString() }))}\n`,
    );
    await file.appendFile(`\n${lines.join('')}`);
    await file.sync();
  } finally {
    await file.close();
  }
  await syncDirectory(dirname(path));
}

/** A new file is there after a power cut only when its directory is durable too. */
async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
