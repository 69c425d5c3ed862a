import { createHash } from 'node:crypto';

import type { MessageEnvelope } from '../../domain/folder';
import type { Evidence, Sighting, Traits } from '../../domain/removal';
import { outside, rangesOf } from '../../domain/uid-set';
import type { RowRanges } from '../../db/removals/row-ranges';
import { leftOutLike, noteTraits } from '../../db/removals/left-out';
import type { WaitingCopy } from '../../db/removals/pending';
import type { MailboxForSync } from '../../db/sync/mailbox-for-sync';
import type { Mailbox, OpenFolder } from '../../mail/mailbox';
import type { ActivityContext, ActivityRun } from '../context';
import { envelopesOf } from '../envelopes-of';
import { tellApart } from './tell-apart';

/** Of so many messages more the server is asked what they are known by, and for so long: new mail waits meanwhile. */
export interface Questions {
  left: number;
  /** Messages of which something was noted that was not known before. */
  learnt: number;
  /** Messages that have still to be told apart. */
  untold: number;
  /** Milliseconds since the epoch. */
  endAt: number;
}

/** Messages that an open folder shows and that no copy stands for. */
export interface Uncarried {
  mailbox: MailboxForSync;
  connection: Mailbox;
  open: OpenFolder;
  genId: number;
  /** Ascending. */
  uids: number[];
  rows: RowRanges;
  /** What has been found out of messages without a row before. */
  before: readonly Sighting[];
  candidates: readonly WaitingCopy[];
  questions: Questions;
}

const inPortionsOf = 1_000;

/**
 * Which of the messages that no copy stands for might be one of the candidates. What a message is known by (Message-ID, size, date) is asked
 * once and noted with its ledger row, of so many in a round: until all is known, nothing is proven.
 * @throws MailFailure
 */
export async function lookAtUncarried(context: ActivityContext, run: ActivityRun, at: Uncarried): Promise<Evidence> {
  const { uids, rows, questions, candidates, genId } = at;
  const withoutRow = outside(uids, rows.all);
  // An import has still to come to them: it gives them their rows, and most of them a copy.
  if (withoutRow.length > questions.left) return { proven: false, seen: [] };
  const undescribed = outside(outside(uids, rows.described), rangesOf(withoutRow));
  if ((await describeSome(context, run, { ...at, uids: undescribed })) === 'some-left')
    return { proven: false, seen: [] };
  const { limits, parserVersion } = context;
  const { tenantId, policy } = at.mailbox;
  const like = await leftOutLike(context.db, tenantId, {
    ...{ genId, candidates, parserVersion, maxMessageBytes: policy.maxMessageBytes },
    limit: limits.removalCompareMessages + 1,
  });
  const shown = new Set(uids);
  const likely = like.filter(({ uid }) => shown.has(uid));
  const toFetch = likely.filter(({ is }) => is === 'fetch');
  const told = await tellApart(context, run, { ...at, likely: toFetch, endAt: questions.endAt });
  questions.learnt += told.learnt;
  questions.untold += told.left;
  const fresh = await sightingsWithoutRow(context, run, { ...at, uids: withoutRow });
  return {
    proven: true,
    seen: [...likely.filter(({ uid }) => !told.uids.has(uid)).map(sightingIn(genId, 'standing')), ...fresh],
  };
}

function sightingIn(genId: number, is: Sighting['is']): (message: Traits & { uid: number }) => Sighting {
  return ({ uid, providerId, messageIdHash, size, internalDate }) => ({
    ...{ genId, uid, is, providerId, messageIdHash, size, internalDate },
  });
}

/** Newest first. A portion is asked for in any case, so that there is an end to it however slow the server is. */
async function describeSome(context: ActivityContext, run: ActivityRun, at: Uncarried): Promise<'all' | 'some-left'> {
  const { questions } = at;
  const left = [...at.uids];
  while (left.length > 0 && questions.left > 0) {
    const uids = left.splice(-Math.min(inPortionsOf, questions.left));
    await describeRows(context, run, { ...at, uids });
    questions.left -= uids.length;
    if (context.now() > questions.endAt) break;
  }
  return left.length === 0 ? 'all' : 'some-left';
}

/**
 * Size and date are noted before the Message-ID is asked for: a message whose header ends the connection is told by them from then on, and
 * is not asked for it a second time.
 */
async function describeRows(context: ActivityContext, run: ActivityRun, at: Uncarried): Promise<void> {
  run.signal.throwIfAborted();
  const { mailbox, open, genId, questions } = at;
  const described = (await envelopesOf(context, run, at)).map((envelope) => ({
    uid: envelope.uid,
    ...traitsOf(envelope),
  }));
  const noted = await noteTraits(context.db, mailbox, { genId, messages: described });
  const ids = await open.fetchMessageIds(described.map(({ uid }) => uid));
  const messages = described.map((message) => ({ ...message, messageIdHash: hashOf(ids.get(message.uid)) }));
  questions.learnt += Math.max(noted, await noteTraits(context.db, mailbox, { genId, messages }));
  run.heartbeat();
}

/** Messages that have no row yet: what the server says of them is known for as long as this looks. */
async function sightingsWithoutRow(context: ActivityContext, run: ActivityRun, at: Uncarried): Promise<Sighting[]> {
  const { genId, before, open } = at;
  const known = new Map(before.filter((one) => one.genId === genId).map((one) => [one.uid, one]));
  const uids = at.uids.filter((uid) => !known.has(uid));
  if (uids.length === 0) return at.uids.flatMap((uid) => known.get(uid) ?? []);
  const envelopes = new Map((await envelopesOf(context, run, { ...at, uids })).map((one) => [one.uid, one]));
  const ids = await open.fetchMessageIds([...envelopes.keys()]);
  return at.uids.map((uid) => {
    const traits = { ...traitsOf(envelopes.get(uid)), messageIdHash: hashOf(ids.get(uid)) };
    return known.get(uid) ?? sightingIn(genId, 'passing')({ uid, ...traits });
  });
}

/** What an envelope tells a message by. One that the server lists and says nothing of may be any. */
export function traitsOf(envelope: MessageEnvelope | undefined): Traits {
  const nothing = { providerId: null, messageIdHash: null, size: null, internalDate: null };
  if (envelope === undefined) return nothing;
  const { providerId, size, internalDate } = envelope;
  return { ...nothing, providerId, size: size > 0 ? size : null, internalDate: internalDate?.getTime() ?? null };
}

function hashOf(messageIdHeader: string | null | undefined): string | null {
  if (messageIdHeader === null || messageIdHeader === undefined) return null;
  return createHash('sha256').update(messageIdHeader).digest('hex');
}
