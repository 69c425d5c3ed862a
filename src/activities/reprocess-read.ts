import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';

import { BlobDamaged, BlobNotFound } from '../db/blobs/blob-store';
import type { CopyToRead } from '../db/reprocess/next-copies';
import type { ParsedMessage, ParseOutcome } from '../domain/message';
import { reducedParts } from '../mail/parse/reduce-raw';
import type { ActivityContext, ActivityRun } from './context';
import { spool } from './read-big-message';

/** What the kept bytes of a copy say by the parser of today; or why it stays as it is. */
export type ReadAgain = { kind: 'read'; message: ParsedMessage } | { kind: 'kept'; reason: string };

/** Enough to keep the parser busy, and few enough to leave connections to others. */
const readsAtOnce = 4;

/**
 * Reads copies again from their kept bytes, the biggest last; no server is asked. Bytes that are not those that were fetched say nothing.
 * Second run: reads again.
 */
export async function readAgain(
  context: ActivityContext,
  run: ActivityRun,
  { tenantId, copies }: { tenantId: string; copies: CopyToRead[] },
): Promise<Map<string, ReadAgain>> {
  const { streamAboveBytes } = context.limits;
  const [big, small] = [
    copies.filter(({ size }) => size > streamAboveBytes),
    copies.filter(({ size }) => size <= streamAboveBytes),
  ];
  const read = new Map<string, ReadAgain>();
  const readTogether = async (some: CopyToRead[]) => {
    const bytes = some.reduce((sum, { size }) => sum + size, 0);
    await context.budget.take(bytes, run.signal);
    try {
      const came = await Promise.all(some.map((copy) => readOne(copy, () => fromMemory(context, tenantId, copy))));
      some.forEach(({ copyId }, at) => read.set(copyId, came[at] ?? kept('bytes-damaged')));
    } finally {
      context.budget.give(bytes);
    }
  };
  for (let at = 0; at < small.length; at += readsAtOnce) {
    run.signal.throwIfAborted();
    await readTogether(small.slice(at, at + readsAtOnce));
    run.heartbeat();
  }
  for (const copy of big) {
    run.signal.throwIfAborted();
    await context.budget.take(streamAboveBytes, run.signal);
    try {
      read.set(copy.copyId, await readOne(copy, () => fromFile(context, tenantId, copy)));
    } finally {
      context.budget.give(streamAboveBytes);
    }
    run.heartbeat();
  }
  return read;
}

function kept(reason: string): ReadAgain {
  return { kind: 'kept', reason };
}

/** What the parser made of the bytes, where they are the right ones; reduced ones in memory, for what stands in them for files. */
interface Parsed {
  outcome: ParseOutcome;
  raw: Buffer | null;
}

async function readOne({ keptParts }: CopyToRead, parse: () => Promise<Parsed | null>): Promise<ReadAgain> {
  try {
    const parsed = await parse();
    if (parsed === null) return kept('bytes-damaged');
    const { outcome, raw } = parsed;
    if (outcome.kind === 'unreadable') return kept(outcome.code);
    if (raw === null || keptParts === null) return { kind: 'read', message: outcome.message };
    return {
      kind: 'read',
      message: { ...outcome.message, parts: reducedParts(raw, outcome.message.parts, keptParts) },
    };
  } catch (error) {
    if (error instanceof BlobNotFound || error instanceof BlobDamaged) return kept('bytes-damaged');
    throw error;
  }
}

async function fromMemory(context: ActivityContext, tenantId: string, copy: CopyToRead): Promise<Parsed | null> {
  const raw = await context.blobs.read(tenantId, copy.blobId);
  if (!isWhatWasFetched(copy, createHash('sha256').update(raw).digest())) return null;
  return { outcome: await context.parsePool.parse({ kind: 'buffer', raw }), raw: rawOfReduced(copy, raw) };
}

async function fromFile(context: ActivityContext, tenantId: string, copy: CopyToRead): Promise<Parsed | null> {
  await mkdir(context.spoolDirectory, { recursive: true });
  const path = join(context.spoolDirectory, `${randomUUID()}.eml`);
  try {
    const { content } = await context.blobs.open(tenantId, copy.blobId);
    const { sha } = await spool(content, path);
    if (!isWhatWasFetched(copy, sha)) return null;
    const outcome = await context.parsePool.parse({ kind: 'file', path });
    return { outcome, raw: copy.rawState === 'reduced' ? await readFile(path) : null };
  } finally {
    await rm(path, { force: true });
  }
}

/** Of reduced bytes only the hash of the whole ones is known. */
function isWhatWasFetched({ rawState, rawSha }: CopyToRead, sha: Buffer): boolean {
  return rawState === 'reduced' || sha.equals(rawSha);
}

function rawOfReduced({ rawState }: CopyToRead, raw: Buffer): Buffer | null {
  return rawState === 'reduced' ? raw : null;
}
