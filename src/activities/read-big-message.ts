import { createHash, randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

import type { BatchItem } from '../db/ingest/batch';
import type { MailboxForSync } from '../db/sync/mailbox-for-sync';
import type { MessageEnvelope } from '../domain/folder';
import type { OpenFolder } from '../mail/mailbox';
import { headerKeyOf, headerOnlySha, keyAlone } from '../mail/parse/header-key';
import type { ActivityContext } from './context';
import { itemOf, readMessages, refusedItem, refusesSome } from './read-messages';

interface Big {
  mailbox: MailboxForSync;
  open: OpenFolder;
  envelope: MessageEnvelope;
  items?: 'all' | 'bytes-alone';
}

/**
 * Reads a message too big for memory: it is spooled to a file while it is hashed, stored and parsed from there.
 * Null where the server did not deliver it. Second run: as `readMessages`.
 */
export async function readStreamed(context: ActivityContext, big: Big): Promise<BatchItem | null> {
  const streamed = await big.open.streamRaw(big.envelope.uid, big.items);
  if (streamed === null) return null;
  await mkdir(context.spoolDirectory, { recursive: true });
  const path = join(context.spoolDirectory, `${randomUUID()}.eml`);
  try {
    const { sha, size } = await spool(streamed.content, path);
    if (size === 0) return null;
    const message = { ...streamed.envelope, uid: big.envelope.uid, size };
    if (
      big.mailbox.policy.attachments !== 'store' ||
      big.mailbox.policy.unmatched === 'drop' ||
      refusesSome(big.mailbox.policy)
    ) {
      const [item] = await readMessages(context, big.mailbox, [{ ...message, raw: await readFile(path) }]);
      return item ?? null;
    }
    const outcome = await context.parsePool.parse({ kind: 'file', path });
    const { blobId } = await context.blobs.putFile(big.mailbox, { path, sha256: sha });
    return itemOf(big.mailbox, { message, sha }, { outcome, blobId, rawState: 'full' });
  } finally {
    await rm(path, { force: true });
  }
}

/** Writes bytes to a file as they come, and says what they are. Second run: writes them again. */
export async function spool(content: Readable, path: string): Promise<{ sha: Buffer; size: number }> {
  const hash = createHash('sha256');
  let size = 0;
  await pipeline(
    content,
    async function* (chunks: AsyncIterable<Buffer>) {
      for await (const chunk of chunks) {
        hash.update(chunk);
        size += chunk.length;
        yield chunk;
      }
    },
    createWriteStream(path, { mode: 0o600 }),
  );
  return { sha: hash.digest(), size };
}

/**
 * Records a message above the policy's `maxMessageBytes` by its header alone. Null where the server did not deliver even that.
 * Second run: no change.
 */
export async function readHeaderOnly(context: ActivityContext, big: Big): Promise<BatchItem | null> {
  const header = await big.open.fetchHeader(big.envelope.uid);
  if (header === null) return null;
  const outcome = await context.parsePool.parse({ kind: 'buffer', raw: header });
  const refused = refusedItem(big.mailbox, big.envelope, outcome);
  if (refused !== null) return refused;
  const sha = headerOnlySha(header, big.envelope.size, context.limits.maxHeaderBytes);
  const item = itemOf(big.mailbox, { message: big.envelope, sha }, { outcome, blobId: null, rawState: 'full' });
  if (item.kind === 'parked') return item;
  const messageKey = headerKeyOf(header, context.limits.maxHeaderBytes) ?? keyAlone(sha);
  return {
    ...item,
    kind: 'headers-only',
    rawState: 'none',
    message: { ...item.message, parts: [], text: '', messageKey },
  };
}
