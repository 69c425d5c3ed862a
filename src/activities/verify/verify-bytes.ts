import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';

import { BlobDamaged, BlobNotFound } from '../../db/blobs/blob-store';
import type { KnownFolder } from '../../db/ingest/folder-read';
import type { MailboxForSync } from '../../db/sync/mailbox-for-sync';
import {
  copiesToVerify,
  copyStands,
  type CopyChoice,
  type Placed,
  type VerifiedCopy,
} from '../../db/verify/copy-pages';
import { rowAt } from '../../db/verify/ledger-checks';
import { planFetch } from '../../domain/batches';
import type { MessageEnvelope } from '../../domain/folder';
import type { Violation } from '../../domain/verify';
import type { Mailbox, OpenFolder } from '../../mail/mailbox';
import type { VerifyContext, VerifyOptions } from './context';
import { twice, twiceEach } from './twice';

interface Bytes {
  mailbox: MailboxForSync;
  options: VerifyOptions;
  /** Null where the server is not asked. */
  server: { open: Mailbox; folders: KnownFolder[] } | null;
}

/** How many copies were read here, and how many placements on the server. */
export interface BytesVerified {
  kept: number;
  server: number;
  violations: Violation[];
}

const copiesPerPage = 500;

/**
 * Compares the SHA-256 of kept bytes with what is on record of them, and with the server's BODY.PEEK[]: of a sample, or of everything.
 * Memory stays at one batch of a fetch. What is found is added to `verified` as it is found, so that it is there where the server fails later.
 * @throws MailFailure
 */
export async function verifyBytes(
  context: VerifyContext,
  of: Bytes,
  verified: BytesVerified = { kept: 0, server: 0, violations: [] },
): Promise<BytesVerified> {
  for await (const copies of pagesOf(context, of)) {
    const kept = await twiceEach(of.options, copies, (copy) => keptBytes(context, of.mailbox, copy));
    verified.violations.push(...kept);
    verified.kept += copies.length;
    const { compared, violations } = await verifyPage(context, of, copies);
    verified.server += compared;
    verified.violations.push(...violations);
  }
  return verified;
}

async function* pagesOf(context: VerifyContext, { mailbox, options }: Bytes): AsyncGenerator<VerifiedCopy[]> {
  const { bytes } = options;
  if (bytes.of === 'sample') {
    yield copiesToVerify(context.db, mailbox, { kind: 'sample', seed: bytes.seed, limit: bytes.copies });
    return;
  }
  let choice: CopyChoice = { kind: 'page', after: null, limit: copiesPerPage };
  for (;;) {
    const copies: VerifiedCopy[] = await copiesToVerify(context.db, mailbox, choice);
    yield copies;
    const last = copies.at(-1);
    if (last === undefined || copies.length < copiesPerPage) return;
    choice = { ...choice, after: last.sha };
  }
}

/** What is wrong with the kept bytes of a copy, unless it is no more by now. */
async function keptBytes(
  context: VerifyContext,
  { tenantId }: MailboxForSync,
  copy: VerifiedCopy,
): Promise<Violation[]> {
  const invariant = await damageOf(context, tenantId, copy);
  if (invariant === null || !(await copyStands(context.db, tenantId, copy))) return [];
  return [{ invariant, messageId: copy.messageId }];
}

/** Reduced bytes are others than were fetched: that all of them are there is counted elsewhere. */
async function damageOf(
  context: VerifyContext,
  tenantId: string,
  { sha, rawState, blobId }: VerifiedCopy,
): Promise<'bytes-missing' | 'bytes-damaged' | null> {
  if (rawState !== 'full') return null;
  if (blobId === null) return 'bytes-missing';
  try {
    const { content } = await context.blobs.open(tenantId, blobId);
    return (await hashOf(content)) === sha ? null : 'bytes-damaged';
  } catch (error) {
    if (error instanceof BlobNotFound || error instanceof BlobDamaged) return 'bytes-missing';
    if (isUnpackingError(error)) return 'bytes-damaged';
    throw error;
  }
}

/** zlib's codes (Node.js, "zlib constants"): `ERR__ERROR_FORMAT_...` and the like, `Z_BUF_ERROR` where the end is missing. */
function isUnpackingError(error: unknown): boolean {
  return error instanceof Error && 'code' in error && /^(ERR__ERROR|Z_|ERR_BROTLI)/.test(String(error.code));
}

async function hashOf(content: Readable): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of content) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

/** A placement with what is expected under it. */
type Expected = Placed & Pick<VerifiedCopy, 'copyId' | 'messageId' | 'sha'>;

async function verifyPage(
  context: VerifyContext,
  of: Bytes,
  copies: VerifiedCopy[],
): Promise<{ compared: number; violations: Violation[] }> {
  const violations: Violation[] = [];
  let compared = 0;
  const all = copies.flatMap(({ placed, copyId, messageId, sha }) =>
    placed.map((one): Expected => ({ ...one, copyId, messageId, sha })),
  );
  for (const folder of of.server?.folders ?? []) {
    const expected = all.filter(({ genId }) => genId === folder.generation?.id);
    if (expected.length === 0 || folder.scope !== 'fetch') continue;
    compared += expected.length;
    let asked = expected;
    const found = await twice(of.options, async () => {
      const different = await compareInFolder(context, of, { folder, expected: asked });
      // Only what differed is asked for once more.
      const uids = new Set(different.map(({ uid }) => uid));
      asked = expected.filter(({ uid }) => uids.has(uid));
      return different;
    });
    violations.push(...found);
  }
  return { compared, violations };
}

async function compareInFolder(
  context: VerifyContext,
  { mailbox, server }: Bytes,
  { folder, expected }: { folder: KnownFolder; expected: Expected[] },
): Promise<Violation[]> {
  if (server === null || folder.generation === null) return [];
  const open = await server.open.examine(folder.path);
  // Another generation of the folder: whoever compares the folders says so.
  if (open.snapshot.uidValidity !== folder.generation.uidValidity) return [];
  const violations: Violation[] = [];
  const byUid = new Map(expected.map((one) => [one.uid, one]));
  await readAll(context, { open, expected }, async (shown, sha) => {
    const one = byUid.get(shown.uid);
    if (one === undefined) return;
    const row = await context.db.inTenant(mailbox.tenantId, (sql) => rowAt(sql, one));
    // It has gone, or is another one by now: what was expected is no more.
    if (row?.copyId !== one.copyId || !row.isLive) return;
    const { folderId, uid, messageId } = one;
    const at = { folderId, uid, messageId };
    if (sha !== one.sha) violations.push({ invariant: 'other-bytes-on-server', ...at });
    const isRead = mailbox.policy.flags === 'follow' && isCovered(shown.modseq, folder.generation?.modseq ?? null);
    if (isRead && row.flags !== shown.flags) violations.push({ invariant: 'flags-behind', ...at });
  });
  return violations;
}

/** The flags of a message changed last at a modseq that the cursor has passed (RFC 7162 3.1): so they were read. */
function isCovered(modseq: string | null, cursor: string | null): boolean {
  return modseq !== null && cursor !== null && BigInt(modseq) <= BigInt(cursor);
}

/** Bytes of these messages by the batch, big ones streamed; what the server does not deliver now is left out. */
async function readAll(
  { limits }: VerifyContext,
  { open, expected }: { open: OpenFolder; expected: Expected[] },
  each: (shown: MessageEnvelope, sha: string) => Promise<void>,
): Promise<void> {
  const { fetchBatchMessages: messages, fetchBatchBytes: bytes, streamAboveBytes } = limits;
  const unknownSize = streamAboveBytes + 1;
  const items = expected.map(({ uid, size }) => ({ uid, size: size === null || size === 0 ? unknownSize : size }));
  const plan = planFetch(items, { messages, bytes, streamAboveBytes, maxMessageBytes: Number.MAX_SAFE_INTEGER });
  for (const batch of plan.batches) {
    const uids = batch.map(({ uid }) => uid).sort((one, other) => one - other);
    await open.fetchRaw(uids, async ({ raw, ...shown }) => {
      await each(shown, createHash('sha256').update(raw).digest('hex'));
    });
  }
  for (const { uid } of plan.streamed) {
    const streamed = await open.streamRaw(uid);
    if (streamed === null) continue;
    await each(streamed.envelope, await hashOf(streamed.content));
  }
}
