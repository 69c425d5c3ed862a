import { constants } from 'node:fs';
import { mkdir, open, readFile, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';

import { z } from 'zod';

import type { FiledErasure } from './journal';

const line = z.object({
  tenantId: z.uuid(),
  id: z.uuid(),
  kind: z.enum(['mailbox', 'record', 'user', 'person', 'tenant']),
  targetId: z.uuid().nullable(),
  addressHashes: z.array(z.string()),
  heirId: z.uuid().nullable().default(null), // lines that were written before it was noted have none
  actor: z.string(),
  at: z.iso.datetime(),
  // Said on a second line of the same erasure; older versions read over it.
  ended: z.boolean().default(false),
});

/** The file of the journal cannot be used; the message names it and the remedy. */
class ErasureFileError extends Error {
  override readonly name = 'ErasureFileError';
}

/**
 * The erasures that the file holds, in its order, each once; none where there is no file. One has ended where any of its lines says so. What a
 * crash cut off in the middle of a line is left out: its row was committed before, and is written again.
 * @throws ErasureFileError where a line is whole and yet not one of ours
 */
export async function readErasureFile(path: string): Promise<FiledErasure[]> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if (isAbsence(error)) return '';
    throw error;
  });
  const erasures = new Map<string, FiledErasure>();
  text.split('\n').forEach((content, n) => {
    // The lines are flat objects: one that was cut off does not end with a brace.
    if (!content.endsWith('}')) return;
    const erasure = parsed(content);
    if (erasure === null) {
      throw new ErasureFileError(
        `Line ${String(n + 1)} of ${path} cannot be read. Put the file back from a copy: what it lists must be erased again after a restore.`,
      );
    }
    const ended = erasure.ended || erasures.get(erasure.id)?.ended === true;
    erasures.set(erasure.id, { ...erasure, ended });
  });
  return [...erasures.values()];
}

function parsed(content: string): FiledErasure | null {
  try {
    const { at, ...erasure } = line.parse(JSON.parse(content));
    return { ...erasure, at: new Date(at) };
  } catch {
    return null;
  }
}

/**
 * Appends erasures and makes the file durable: when it resolves, all that it holds is on the disk, also what another process has written and
 * not synced yet. Several processes may append at once: each line is one write to the end of the file, and begins with a line break of its
 * own, so that what was cut off before it, or is written after it, spoils no other. Nothing is ever taken out of the file.
 * @throws ErasureFileError where a line was not taken whole
 */
export async function appendToErasureFile(path: string, erasures: FiledErasure[]): Promise<void> {
  const file = await openFile(path, erasures.length > 0);
  if (file === null) return;
  try {
    for (const erasure of erasures) {
      const content = Buffer.from(`\n${JSON.stringify(line.parse({ ...erasure, at: erasure.at.toISOString() }))}\n`);
      const { bytesWritten } = await file.write(content);
      if (bytesWritten < content.length) {
        throw new ErasureFileError(`${path} did not take a whole line. Is its disk full?`);
      }
    }
    await file.sync();
  } finally {
    await file.close();
  }
  await syncDirectory(dirname(path));
}

/** Open to append; null where there is none and nothing to write. */
async function openFile(path: string, create: boolean): Promise<FileHandle | null> {
  if (create) {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    return open(path, 'a', 0o600);
  }
  return open(path, constants.O_WRONLY | constants.O_APPEND).catch((error: unknown) => {
    if (isAbsence(error)) return null;
    throw error;
  });
}

function isAbsence(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === 'ENOENT';
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
