import { setImmediate as setImmediately } from 'node:timers/promises';

import { MailFailure } from '../domain/failure';
import { flagsOf } from '../domain/flags';
import type { MessageEnvelope, UidListing } from '../domain/folder';
import { isInParts } from '../domain/partial-listing';
import { startQuestion, type StartQuestion } from '../domain/start-point';
import { inside, outside, rangesOf } from '../domain/uid-set';
import type { FolderGeneration } from '../db/ingest/folder-read';
import { closeFolder, recordFiltered } from '../db/ingest/generation-write';
import { noteInParts } from '../db/ingest/in-parts';
import { ledgerRanges } from '../db/ingest/ledger-ranges';
import { recordedBefore } from '../db/ingest/recorded-before';
import type { OpenFolder } from '../mail/mailbox';
import type { ActivityContext, ActivityRun } from './context';
import { envelopesInPortions, envelopesOf } from './envelopes-of';
import { followServerFlags } from './follow-flags';
import { notePresence, presenceChanges } from './note-presence';
import type { FolderResult, FolderWork } from './sync-folder';

interface FirstListing {
  work: FolderWork;
  open: OpenFolder;
  generation: FolderGeneration;
  listing: UidListing;
}

/**
 * A folder is seen for the first time: mail before the start point gets its rows, the rest is left to the import, beside live mail.
 * Second run: divides again what has no row yet.
 */
export async function beginFirstListing(
  context: ActivityContext,
  run: ActivityRun,
  first: FirstListing,
): Promise<FolderResult> {
  const { work, open, generation, listing } = first;
  const { mailbox } = work;
  // What a partial listing leaves out would later look like new mail, and pass the start point.
  if (mayShowMoreSoon(listing, () => context.undelivered.disagreed(generation.id)))
    throw new MailFailure('busy', 'UID SEARCH', { code: 'listing-not-proven' });
  if (isInParts(listing)) await noteInParts(context.db, mailbox, generation.id);
  const wanted = await wantedUids(context, run, first);
  const known = await ledgerRanges(context.db, mailbox.tenantId, { genId: generation.id, scope: 'fetch' });
  const beforeStart = outside(outside(listing.uids, rangesOf(wanted)), known);
  await recordFiltered(context.db, mailbox, { genId: generation.id, uids: beforeStart, reason: 'before-start' });
  const history = outside(wanted, known);
  // A folder that has come back: what happened to its rows while nobody looked.
  if (known.length > 0) await followServerFlags(context, { mailbox, open, generation, known });
  const seen = { mailbox, connection: work.open, path: open.path, generation, listing };
  const { presence } = await notePresence(context, seen, await presenceChanges(context, seen, history));
  // The cursor moves in any case: until then the import fetches nothing.
  const close = { genId: generation.id, snapshot: open.snapshot, history: history.length, presence };
  await closeFolder(context.db, mailbox, close);
  const isBelieved = listing.proven && presence === 'settled';
  const divided = { recorded: 0, filtered: beforeStart.length, parked: 0, owed: 0 };
  return { ...divided, presence, listing: isBelieved ? 'believed' : 'doubted' };
}

/** After so many first listings of one folder, each in another round, a server that contradicts itself is not having a bad moment. */
const roundsOfPatience = 3;

function mayShowMoreSoon(listing: UidListing, disagreements: () => number): boolean {
  if (listing.proven || listing.reason === 'message-limit' || listing.reason === 'shown-in-parts') return false;
  return listing.reason !== 'routes-disagree' || disagreements() <= roundsOfPatience;
}

/**
 * The UIDs of the listing that are not before the start point, ascending. The server is only asked what it can leave out: where it finds
 * nothing, or refuses to search, the messages themselves decide.
 */
async function wantedUids(context: ActivityContext, run: ActivityRun, first: FirstListing): Promise<number[]> {
  const { work, open, generation, listing } = first;
  const { mailbox, firstRound } = work;
  const of = { mailbox, connection: work.open, open, genId: generation.id };
  const ask = (uids: number[]) => envelopesOf(context, run, { ...of, uids });
  const question = startQuestion(mailbox.policy.start, { startedAt: mailbox.startedAt, firstRound });
  if (question.ask === 'nothing') return listing.uids;
  const recorded = await recordedBefore(context.db, mailbox, { instant: question.notBefore });
  const isWanted = (envelope: MessageEnvelope) =>
    (envelope.internalDate ?? question.notBefore) >= question.notBefore ||
    (question.ask === 'unseen-or-since' && (envelope.flags & seenFlag) === 0) ||
    recorded.has(envelope);
  // What the ledger has of another folder, or of an earlier generation, is not left out: it is looked for among all.
  const found = rangesOf(recorded.count > 0 ? [] : await foundBefore(open, question));
  // Each is a look at every message of a folder: not all in one turn.
  await setImmediately();
  const sample = await ask(sampleOf(inside(listing.uids, found)));
  // What is left out here is left out for good: a server that found a wanted message is not believed about the others.
  const candidates = sample.some(isWanted) ? listing.uids : outside(listing.uids, found);
  // Of a folder of any size only the UIDs are held.
  const keep = (envelope: MessageEnvelope) => (isWanted(envelope) ? [] : [envelope.uid]);
  const asked = { ...of, uids: candidates, most: askedAtOnce, keep };
  const before = new Set(await envelopesInPortions(context, run, asked));
  return candidates.filter((uid) => !before.has(uid));
}

const askedAtOnce = 1_000;
const seenFlag = flagsOf(['\\Seen']);
const dayMs = 24 * 3_600_000;

async function foundBefore(open: OpenFolder, question: Exclude<StartQuestion, { ask: 'nothing' }>): Promise<number[]> {
  // A day earlier, because SEARCH BEFORE counts days in the server's time zone; the exact time is compared later.
  const before = await open.listUidsBefore(new Date(question.notBefore.getTime() - dayMs)).catch(refusalAsNothing);
  if (question.ask === 'since') return before;
  return inside(before, rangesOf(await open.listSeenUids().catch(refusalAsNothing)));
}

const sampled = 20;

/** The newest, and about as many from all over the list. */
function sampleOf(uids: number[]): number[] {
  const step = Math.ceil(uids.length / sampled);
  return uids.filter((_, at) => at >= uids.length - sampled || at % step === 0);
}

function refusalAsNothing(error: unknown): number[] {
  if (error instanceof MailFailure && error.kind === 'refused') return [];
  throw error;
}
