import { createHash } from 'node:crypto';

import type { BatchItem, FilteredItem, ParkedItem, RecordedItem } from '../db/ingest/batch';
import { copiesOf } from '../db/ingest/record-batch';
import type { MailboxForSync } from '../db/sync/mailbox-for-sync';
import { refusedBy } from '../crm/activity';
import { addressesToMatch } from '../crm/match';
import { directionOf } from '../domain/direction';
import type { FetchedMessage, MessageEnvelope } from '../domain/folder';
import type { ParsedMessage, ParseOutcome } from '../domain/message';
import type { Policy } from '../domain/policy';
import { reduceRaw } from '../mail/parse/reduce-raw';
import type { ActivityContext } from './context';
import { unmatchedAmong } from './unmatched-mail';

/** A fetched message with the SHA-256 of its bytes. */
interface Hashed {
  message: FetchedMessage;
  sha: Buffer;
}

/** A message that was parsed, and the bytes that the policy lets us keep. */
interface Read extends Hashed {
  outcome: ParseOutcome;
  keep: Buffer | null;
  rawState: 'full' | 'reduced';
}

/** So many bytes are stored with their rows: a transaction of their own costs more than COPY saves. */
const togetherBytes = 262_144;

/**
 * Turns fetched bytes into what `recordBatch` writes: hashes them, sorts out bytes that the mailbox already holds, stores and parses
 * the rest. The bytes are durable when it returns, or are few and come with the items. Second run: the bytes are stored once more and
 * swept as orphans.
 */
export async function readMessages(
  context: ActivityContext,
  mailbox: MailboxForSync,
  messages: FetchedMessage[],
): Promise<BatchItem[]> {
  if (keepsAll(mailbox) && messages.reduce((sum, { raw }) => sum + raw.length, 0) <= togetherBytes) {
    return readTogether(context, mailbox, hashedOf(messages));
  }
  return readStored(context, mailbox, messages);
}

function hashedOf(messages: FetchedMessage[]): Hashed[] {
  return messages.map((message) => ({ message, sha: createHash('sha256').update(message.raw).digest() }));
}

/** The same, where the bytes are durable when it returns, however few they are. */
export async function readStored(
  context: ActivityContext,
  mailbox: MailboxForSync,
  messages: FetchedMessage[],
): Promise<BatchItem[]> {
  const hashed = hashedOf(messages);
  const known = await context.db.inTenant(mailbox.tenantId, (sql) =>
    copiesOf(
      sql,
      mailbox,
      hashed.map(({ sha }) => sha),
    ),
  );
  const fresh = hashed.filter(({ sha }) => !known.has(sha.toString('hex')));
  const read = new Map((await readFresh(context, mailbox, fresh)).map((item) => [item.uid, item]));
  return hashed.map(({ message, sha }): BatchItem => {
    const copyId = known.get(sha.toString('hex'));
    if (copyId !== undefined) return { kind: 'known', ...placedOf(message), rawSha: sha, copyId };
    const item = read.get(message.uid);
    if (item === undefined) throw new Error('a fetched message came to nothing');
    return item;
  });
}

/** What the policy keeps whole need not wait for the parser: disk and processor work at the same time. */
function keepsAll({ policy }: MailboxForSync): boolean {
  return policy.attachments === 'store' && policy.unmatched === 'keep' && !refusesSome(policy);
}

/** Whether mail is refused for who takes part in it, or for its subject. */
export function refusesSome({ activity }: Pick<Policy, 'activity'>): boolean {
  return activity !== null && (activity.requireUser || activity.requireSubject);
}

/** A few messages: what the mailbox holds already is told when they are recorded, and of that nothing is stored. */
async function readTogether(context: ActivityContext, mailbox: MailboxForSync, hashed: Hashed[]): Promise<BatchItem[]> {
  const [blobs, outcomes] = await Promise.all([
    context.blobs.pack(hashed.map(({ message, sha }) => ({ sha256: sha, bytes: message.raw }))),
    Promise.all(hashed.map(({ message }) => context.parsePool.parse({ kind: 'buffer', raw: message.raw }))),
  ]);
  return hashed.map((one, index) => {
    const bytes = blobs[index];
    if (bytes === undefined) throw new Error('a fetched message came to nothing');
    return { ...itemOf(mailbox, one, { outcome: outcomes[index], blobId: bytes.id, rawState: 'full' }), bytes };
  });
}

async function readFresh(context: ActivityContext, mailbox: MailboxForSync, fresh: Hashed[]): Promise<BatchItem[]> {
  if (keepsAll(mailbox)) {
    const [blobIds, outcomes] = await Promise.all([
      store(context, mailbox, fresh),
      Promise.all(fresh.map(({ message }) => context.parsePool.parse({ kind: 'buffer', raw: message.raw }))),
    ]);
    return fresh.map((hashed, index) =>
      itemOf(mailbox, hashed, { outcome: outcomes[index], blobId: blobIds[index] ?? null, rawState: 'full' }),
    );
  }
  const read = await Promise.all(fresh.map((hashed) => readReduced(context, mailbox, hashed)));
  const reasons = await reasonsToLeaveOut(context, mailbox, read);
  const kept = read.filter(({ message, keep }) => keep !== null && !reasons.has(message.uid));
  const blobIds = await store(
    context,
    mailbox,
    kept.map(({ message, sha, keep }) => ({ message: { ...message, raw: keep ?? message.raw }, sha })),
  );
  const blobOf = new Map(kept.map(({ message }, index) => [message.uid, blobIds[index] ?? null]));
  return read.map((item) => {
    const reason = reasons.get(item.message.uid);
    if (reason !== undefined) return filteredOf(mailbox, item, reason);
    return itemOf(mailbox, item, { ...item, blobId: blobOf.get(item.message.uid) ?? null });
  });
}

/** Why a message is left out, and of unmatched mail what it answers. */
interface LeftOut {
  reason: FilteredItem['reason'];
  answers: string[];
}

function filteredOf(
  mailbox: MailboxForSync,
  { message, outcome }: Pick<Read, 'outcome'> & { message: MessageEnvelope },
  { reason, answers }: LeftOut,
): FilteredItem {
  const messageIdHeader = outcome.kind === 'parsed' ? outcome.message.messageIdHeader : outcome.messageIdHeader;
  const addressKeys = reason === 'unmatched' ? keysOf(mailbox, outcome) : [];
  return { kind: 'filtered', reason, ...placedOf(message), messageIdHeader, addressKeys, answers };
}

/** What the policy does not take in, whatever it matches; null where it does. What cannot be read is kept for a person. */
export function refusedItem(
  mailbox: MailboxForSync,
  message: MessageEnvelope,
  outcome: ParseOutcome,
): FilteredItem | null {
  const reason = outcome.kind === 'parsed' ? refusedBy(outcome.message, mailbox) : null;
  return reason === null ? null : filteredOf(mailbox, { message, outcome }, { reason, answers: [] });
}

function keysOf(mailbox: MailboxForSync, outcome: ParseOutcome): string[] {
  if (outcome.kind === 'unreadable') return [];
  return addressesToMatch(outcome.message, mailbox.policy).map(({ addressKey }) => addressKey);
}

async function readReduced(context: ActivityContext, mailbox: MailboxForSync, hashed: Hashed): Promise<Read> {
  const outcome = await context.parsePool.parse({ kind: 'buffer', raw: hashed.message.raw });
  if (outcome.kind === 'unreadable' || mailbox.policy.attachments === 'store') {
    return { ...hashed, outcome, keep: hashed.message.raw, rawState: 'full' };
  }
  const reduced = reduceRaw(hashed.message.raw, outcome.message.parts);
  const parts = mailbox.policy.attachments === 'drop' ? reduced.parts.filter((part) => part.kept) : reduced.parts;
  return {
    ...hashed,
    outcome: { kind: 'parsed', message: { ...outcome.message, parts } },
    keep: reduced.bytes,
    rawState: reduced.bytes.equals(hashed.message.raw) ? 'full' : 'reduced',
  };
}

/** By UID, why messages are left out. What cannot be read is kept for a person. */
async function reasonsToLeaveOut(
  context: ActivityContext,
  mailbox: MailboxForSync,
  read: Read[],
): Promise<Map<number, LeftOut>> {
  const reasons = new Map<number, LeftOut>();
  const taken: { uid: number; message: ParsedMessage }[] = [];
  for (const { message, outcome } of read) {
    if (outcome.kind === 'unreadable') continue;
    const reason = refusedBy(outcome.message, mailbox);
    if (reason === null) taken.push({ uid: message.uid, message: outcome.message });
    else reasons.set(message.uid, { reason, answers: [] });
  }
  for (const [uid, answers] of await unmatchedAmong(context, mailbox, taken)) {
    reasons.set(uid, { reason: 'unmatched', answers });
  }
  return reasons;
}

async function store(context: ActivityContext, mailbox: MailboxForSync, hashed: Hashed[]): Promise<string[]> {
  if (hashed.length === 0) return [];
  const stored = await context.blobs.putBatch(
    mailbox,
    hashed.map(({ message, sha }) => ({ sha256: sha, bytes: message.raw })),
  );
  return stored.map(({ blobId }) => blobId);
}

/** The item of a message that was parsed, or could not be. */
export function itemOf(
  mailbox: MailboxForSync,
  hashed: { message: MessageEnvelope; sha: Buffer },
  read: { outcome: ParseOutcome | undefined; blobId: string | null; rawState: 'full' | 'reduced' },
): RecordedItem | ParkedItem {
  const { outcome } = read;
  if (outcome === undefined) throw new Error('the parser answered nothing');
  const placed = { ...placedOf(hashed.message), rawSha: hashed.sha, blobId: read.blobId };
  if (outcome.kind === 'unreadable') {
    const { code, detail, messageIdHeader } = outcome;
    const { providerId, providerThreadId } = hashed.message;
    const provider = { id: providerId, threadId: providerThreadId };
    return { kind: 'parked', ...placed, provider, failure: { kind: 'unreadable', code, detail, messageIdHeader } };
  }
  return { kind: 'recorded', ...placed, ...readOf(mailbox, hashed.message, outcome.message), rawState: read.rawState };
}

function readOf(mailbox: MailboxForSync, envelope: MessageEnvelope, message: ParsedMessage) {
  return {
    providerId: envelope.providerId,
    providerThreadId: envelope.providerThreadId,
    direction: directionOf(message, mailbox.ownAddresses),
    message,
  };
}

/** What a ledger row says of a placement, whatever its outcome. */
export function placedOf(envelope: MessageEnvelope) {
  return {
    uid: envelope.uid,
    size: envelope.size,
    internalDate: envelope.internalDate,
    flags: envelope.flags,
    modseq: envelope.modseq,
    ...(envelope.labels === undefined ? {} : { labels: envelope.labels }),
  };
}
