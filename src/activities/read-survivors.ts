import { randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';

import { BlobDamaged, BlobNotFound } from '../db/blobs/blob-store';
import type { SharedMessage, SurvivorContent, SurvivorContents } from '../db/deletion/shared-messages';
import type { ParseOutcome } from '../domain/message';
import type { ActivityContext, ActivityRun } from './context';

/** Text that is held in memory at once; what does not fit is read for a later chunk. */
const maxTextCharacters = 16_777_216;

/**
 * Reads the copies that messages are told from when another copy of them is deleted. Bytes that cannot be read, or were never kept, say
 * nothing. Of many long texts only the first are read. Second run: reads again.
 */
export async function readSurvivors(
  context: ActivityContext,
  run: ActivityRun,
  shared: { tenantId: string; messages: SharedMessage[] },
): Promise<SurvivorContents> {
  const contents: SurvivorContents = new Map();
  let characters = 0;
  for (const { messageId, survivor } of shared.messages) {
    if (characters > maxTextCharacters) break;
    run.signal.throwIfAborted();
    const content = await readSurvivor(context, run, { tenantId: shared.tenantId, survivor });
    characters += content?.text.length ?? 0;
    contents.set(messageId, { copyId: survivor.copyId, content });
  }
  return contents;
}

async function readSurvivor(
  context: ActivityContext,
  run: ActivityRun,
  { tenantId, survivor }: { tenantId: string; survivor: SharedMessage['survivor'] },
): Promise<SurvivorContent> {
  const { blobId, size } = survivor;
  if (blobId === null) return null;
  const parse =
    size > context.limits.streamAboveBytes
      ? () => parseSpooled(context, { tenantId, blobId })
      : async () => context.parsePool.parse({ kind: 'buffer', raw: await context.blobs.read(tenantId, blobId) });
  const held = Math.min(size, context.limits.streamAboveBytes);
  await context.budget.take(held, run.signal);
  try {
    const outcome = await parse();
    return outcome.kind === 'parsed' ? outcome.message : null;
  } catch (error) {
    // The copy went meanwhile, and another one is asked next time; or its bytes are damaged for good.
    if (error instanceof BlobNotFound || error instanceof BlobDamaged) return null;
    throw error;
  } finally {
    context.budget.give(held);
  }
}

async function parseSpooled(
  context: ActivityContext,
  blob: { tenantId: string; blobId: string },
): Promise<ParseOutcome> {
  await mkdir(context.spoolDirectory, { recursive: true });
  const path = join(context.spoolDirectory, `${randomUUID()}.eml`);
  try {
    const { content } = await context.blobs.open(blob.tenantId, blob.blobId);
    await pipeline(content, createWriteStream(path, { mode: 0o600 }));
    return await context.parsePool.parse({ kind: 'file', path });
  } finally {
    await rm(path, { force: true });
  }
}
