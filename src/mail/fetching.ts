import type { FetchMessageObject, FetchQueryObject } from 'imapflow';

import { storable } from '../domain/dates';
import { flagsOf } from '../domain/flags';
import type { FetchedMessage, MessageEnvelope } from '../domain/folder';
import { asksForRest, MailFailure } from '../domain/failure';
import { isServersExcuse } from './servers-excuse';
import { modseqOf } from './listing';
import { cleanText } from './parse/clean-text';
import { scanHeader } from './parse/header-block';
import { messageIdIn } from './parse/parse-message';
import type { Session } from './session';
import { ascending, uidSetsOf } from './uid-sets';

/** What is asked beside the bytes; imapflow adds EMAILID or X-GM-MSGID, and MODSEQ where CONDSTORE is on. */
export const envelopeQuery = {
  uid: true,
  flags: true,
  internalDate: true,
  size: true,
  threadId: true,
  labels: true,
} as const;

type Row = FetchMessageObject;

/** Commands refused beyond those answered before all is taken for refused, and not single messages. */
const mostRefusals = 40;

/**
 * Size, date, flags, modseq and provider ids of these UIDs, ascending. UIDs without a whole row are absent: an unsolicited row
 * with flags alone is no envelope. What a refusal hit is asked for by halves, so that one message holds up no other; what an answer
 * left out is asked for again for as long as more comes.
 * @throws MailFailure
 */
export async function fetchEnvelopes(session: Session, uids: readonly number[]): Promise<MessageEnvelope[]> {
  const found = new Map<number, MessageEnvelope>();
  const idPrefix = idPrefixOf(session);
  const ask = (part: readonly number[]): Promise<void> =>
    fetchRows(session, { uids: part, query: envelopeQuery }, (row) => {
      if (row.size !== undefined) found.set(row.uid, envelopeOf(row, idPrefix));
      return Promise.resolve();
    });
  const waiting = uids.length === 0 ? [] : [[...uids]];
  let refusals = 0;
  for (let part = waiting.pop(); part !== undefined; part = waiting.pop()) {
    const before = found.size;
    const refusal = await ask(part).then(() => null, refusalOf(session));
    refusals += refusal === null ? -1 : 1;
    if (refusal !== null && refusals > mostRefusals) throw refusal;
    const left = part.filter((uid) => !found.has(uid));
    const half = Math.ceil(left.length / 2);
    if (refusal === null) waiting.push(...(found.size > before && left.length > 0 ? [left] : []));
    else if (left.length > 0 && part.length > 1) waiting.push(left.slice(0, half), left.slice(half));
  }
  return [...found.values()].sort((a, b) => a.uid - b.uid);
}

/** The failure where it is a refusal of messages; any other is thrown on. */
function refusalOf(session: Session): (error: unknown) => MailFailure {
  return (error) => {
    if (isRefusalOfMessages(session, error)) return error;
    throw error;
  };
}

/**
 * The bytes of these UIDs, each delivered once. A FETCH that ends normally proves nothing (rows missing, refused, without bytes,
 * doubled, of other messages): the UIDs that did not come are returned as owed. So is what the server refuses with a NO, because
 * Yahoo and Exchange refuse a whole command for one message.
 * An error of `onMessage` passes unchanged, after what was on the wire has been read away.
 * @throws MailFailure
 */
export async function fetchRaw(
  session: Session,
  request: { uids: readonly number[]; onMessage: (message: FetchedMessage) => Promise<void> },
): Promise<{ owed: number[] }> {
  const owed = new Set(request.uids);
  const idPrefix = idPrefixOf(session);
  const query = { ...envelopeQuery, source: true };
  const consumed = { failed: false };
  await fetchRows(session, { uids: request.uids, query }, async (row) => {
    const raw: unknown = row.source;
    if (!Buffer.isBuffer(raw) || raw.length === 0 || isServersExcuse(raw, row.uid) || !owed.delete(row.uid)) return;
    const message = { ...envelopeOf(row, idPrefix), size: row.size ?? raw.length, raw };
    consumed.failed = true;
    await session.whileConsumed(() => request.onMessage(message));
    consumed.failed = false;
  }).catch((error: unknown) => {
    if (consumed.failed || !isRefusalOfMessages(session, error)) throw error;
  });
  return { owed: ascending(owed) };
}

/** The header block; null where no row of this UID came with one. */
export async function fetchHeader(session: Session, uid: number): Promise<Buffer | null> {
  let header: Buffer | null = null;
  await fetchRows(session, { uids: [uid], query: { uid: true, headers: true } }, (row) => {
    const found: unknown = row.headers;
    if (Buffer.isBuffer(found) && found.length > 0) header ??= found;
    return Promise.resolve();
  }).catch((error: unknown) => {
    if (!isRefusalOfMessages(session, error)) throw error;
  });
  return header;
}

const scannedHeaderBytes = 65_536;

/**
 * The Message-ID headers of these UIDs with their angle brackets, null for a message without one. Messages whose header the server refuses,
 * or says nothing of, are absent. Nothing else of them is asked for (RFC 9051 6.4.5, HEADER.FIELDS).
 * @throws MailFailure
 */
export async function fetchMessageIds(session: Session, uids: readonly number[]): Promise<Map<number, string | null>> {
  const found = new Map<number, string | null>();
  await fetchRows(session, { uids, query: { uid: true, headers: ['message-id'] } }, (row) => {
    const header: unknown = row.headers;
    if (Buffer.isBuffer(header)) found.set(row.uid, messageIdIn(scanHeader(header, scannedHeaderBytes)));
    return Promise.resolve();
  }).catch((error: unknown) => {
    if (!isRefusalOfMessages(session, error)) throw error;
  });
  return found;
}

export interface RowsRequest {
  uids: readonly number[];
  query: FetchQueryObject;
}

/** What is known of a message from the rows that came before: a server may spread the items of one message over several. */
type Seen = Pick<Row, 'flags' | 'size' | 'internalDate' | 'modseq' | 'emailId' | 'threadId' | 'labels'>;

/**
 * UID FETCH of exactly these UIDs, in as many commands as their number needs. Rows of other messages, and rows without a UID, are
 * passed over. `onRow` gets each row with the items of earlier rows of that message; its errors pass unchanged.
 * @throws MailFailure
 */
export async function fetchRows(
  session: Session,
  { uids, query }: RowsRequest,
  onRow: (row: Row) => Promise<void>,
): Promise<void> {
  const requested = new Set(uids);
  const seen = new Map<number, Seen>();
  const consumerError: { thrown?: unknown; was: boolean } = { was: false };
  for (const set of uidSetsOf(uids)) {
    await session
      .run('UID FETCH', async () => {
        for await (const row of session.client.fetch(set, query, { uid: true })) {
          if (!requested.has(row.uid)) continue;
          // Into the row itself, which has hidden fields that a copy would lose.
          const whole = Object.assign(row, { ...seen.get(row.uid), ...row });
          try {
            await onRow(whole);
          } catch (thrown) {
            Object.assign(consumerError, { thrown, was: true });
            return;
          }
          if (row.size === undefined || seen.has(row.uid)) seen.set(row.uid, withoutBytes(whole));
        }
      })
      .catch((error: unknown) => {
        throw aboutMessage(error, uids);
      });
    if (consumerError.was) throw consumerError.thrown;
  }
}

/** A failure that only a message can be the cause of is about it, if it was asked for alone. */
function aboutMessage(error: unknown, uids: readonly number[]): unknown {
  const [uid, ...others] = uids;
  if (!(error instanceof MailFailure) || error.kind !== 'unreadable' || uid === undefined || others.length > 0)
    return error;
  return new MailFailure(error.kind, error.operation, { code: error.code, uid });
}

function withoutBytes({ flags, size, internalDate, modseq, emailId, threadId, labels }: Row): Seen {
  return {
    ...(flags === undefined ? {} : { flags }),
    ...(size === undefined ? {} : { size }),
    ...(internalDate === undefined ? {} : { internalDate }),
    ...(modseq === undefined ? {} : { modseq }),
    ...(emailId === undefined ? {} : { emailId }),
    ...(threadId === undefined ? {} : { threadId }),
    ...(labels === undefined ? {} : { labels }),
  };
}

type IdPrefix = 'objectid' | 'gmail';

/** imapflow asks for EMAILID where there is OBJECTID, else for X-GM-MSGID, and names both `emailId`; they may look alike. */
export function idPrefixOf(session: Session): IdPrefix {
  return session.client.capabilities.has('OBJECTID') ? 'objectid' : 'gmail';
}

/** An envelope from a row. */
export function envelopeOf(row: Row, idPrefix: IdPrefix): MessageEnvelope {
  const id = (value: string | undefined): string | null => {
    const clean = cleanText(value ?? '');
    return clean === '' ? null : `${idPrefix}:${clean}`;
  };
  return {
    uid: row.uid,
    size: row.size ?? 0,
    internalDate: row.internalDate instanceof Date ? storable(row.internalDate) : null,
    flags: flagsOf(row.flags ?? []),
    modseq: modseqOf(row.modseq),
    providerId: id(row.emailId),
    providerThreadId: id(row.threadId),
    ...labelsOf(row.labels),
  };
}

/** Ascending, so that the same labels read alike, and as they can be stored: what a label is called must not hold up its messages. */
export function labelsOf(labels: Row['labels']): { labels?: string[] } {
  return labels === undefined ? {} : { labels: [...new Set([...labels].map(cleanText))].sort() };
}

/**
 * A NO without more, or "unavailable" in the answer to a FETCH on a connection that goes on, is about the messages asked for
 * (Yahoo: `NO [UNAVAILABLE] UID FETCH Server error` for one of them). One that asks to be left alone is not.
 */
export function isRefusalOfMessages(session: Session, error: unknown): error is MailFailure {
  if (!(error instanceof MailFailure) || !session.usable || asksForRest(error)) return false;
  return refusedMessages.has(error.code);
}

/** A NO with [CORRUPTION] or [NOPERM] is an answer about what was asked for as well. */
const refusedMessages: ReadonlySet<string> = new Set([
  'command-refused',
  'unavailable',
  'folder-corrupt',
  'no-permission',
  'contact-admin',
]);
