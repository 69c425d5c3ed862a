import { randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';

import { BlobDamaged, BlobNotFound } from '../db/blobs/blob-store';
import type { SharedMessage, SurvivorContents } from '../db/deletion/shared-messages';
import type { SurvivorContent } from '../db/deletion/survivor-content';
import type { ParseOutcome } from '../domain/message';
import { headerKeyOf, headerThatSays, keyAlone } from '../mail/parse/header-key';
import type { ActivityContext, ActivityRun } from './context';

/** Text that is held in memory at once; what does not fit is read for a later chunk. */
const maxTextCharacters = 16_777_216;

/**
 * Reads the copies that messages are told from when another copy of them is deleted. Bytes that cannot be read, or were never kept, say
 * nothing, but for a header that the copies that go have too. Of many long texts only the first are read. Second run: reads again.
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
    contents.set(messageId, { copyId: survivor.copyId, blobId: survivor.blobId, content });
  }
  return contents;
}

async function readSurvivor(
  context: ActivityContext,
  run: ActivityRun,
  { tenantId, survivor }: { tenantId: string; survivor: SharedMessage['survivor'] },
): Promise<SurvivorContent> {
  const { blobId, size, header } = survivor;
  if (blobId === null) return header === null ? null : readHeader(context, { tenantId, ...header });
  const parse =
    size > context.limits.streamAboveBytes
      ? () => parseSpooled(context, { tenantId, blobId })
      : async () => context.parsePool.parse({ kind: 'buffer', raw: await context.blobs.read(tenantId, blobId) });
  const held = Math.min(size, context.limits.streamAboveBytes);
  await context.budget.take(held, run.signal);
  try {
    const outcome = await parse();
    return outcome.kind === 'parsed' ? { ...outcome.message, headerKey: null } : null;
  } catch (error) {
    return nothingOf(error);
  } finally {
    context.budget.give(held);
  }
}

/** The copy went meanwhile, and another one is asked next time; or its bytes are damaged for good. */
function nothingOf(error: unknown): null {
  if (error instanceof BlobNotFound || error instanceof BlobDamaged) return null;
  throw error;
}

/** The header of a copy without bytes was not kept: it is read in those that go, where it is proven to say the same. */
async function readHeader(
  { blobs, limits: { maxHeaderBytes }, parsePool }: ActivityContext,
  { tenantId, sha, wholeIds }: { tenantId: string; sha: Buffer; wholeIds: string[] },
): Promise<SurvivorContent> {
  for (const wholeId of wholeIds) {
    const head = await blobs.readRange(tenantId, wholeId, { offset: 0, length: maxHeaderBytes }).catch(nothingOf);
    const header = head === null ? null : headerThatSays(sha, head, maxHeaderBytes);
    if (header === null) continue;
    const outcome = await parsePool.parse({ kind: 'buffer', raw: header });
    if (outcome.kind === 'unreadable') return null;
    return { ...outcome.message, text: '', headerKey: headerKeyOf(header, maxHeaderBytes) ?? keyAlone(sha) };
  }
  return null;
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
