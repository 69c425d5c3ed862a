import { MailFailure } from '../domain/failure';
import type { UidListing } from '../domain/folder';
import { startQuestion } from '../domain/start-point';
import { outside, rangesOf } from '../domain/uid-set';
import type { BatchResult } from '../db/ingest/batch';
import type { FolderGeneration } from '../db/ingest/folder-read';
import { closeFolder, recordFiltered } from '../db/ingest/generation-write';
import { ledgerRanges } from '../db/ingest/ledger-ranges';
import type { OpenFolder } from '../mail/mailbox';
import type { ActivityContext } from './context';
import { followServerFlags } from './follow-flags';
import { notePresence } from './note-presence';
import type { FolderWork } from './sync-folder';

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
export async function beginFirstListing(context: ActivityContext, first: FirstListing): Promise<BatchResult> {
  const { work, open, generation, listing } = first;
  const { mailbox } = work;
  // What a partial listing leaves out would later look like new mail, and pass the start point.
  if (!listing.proven && listing.reason !== 'message-limit')
    throw new MailFailure('busy', 'UID SEARCH', { code: 'listing-not-proven' });
  const wanted = await wantedUids(first);
  const known = await ledgerRanges(context.db, mailbox.tenantId, { genId: generation.id, scope: 'fetch' });
  const beforeStart = outside(outside(listing.uids, rangesOf(wanted)), known);
  await recordFiltered(context.db, mailbox, { genId: generation.id, uids: beforeStart, reason: 'before-start' });
  const history = outside(wanted, known).length;
  // A folder that has come back: what happened to its rows while nobody looked.
  if (known.length > 0) await followServerFlags(context, { mailbox, open, generation });
  await closeFolder(context.db, mailbox, { genId: generation.id, snapshot: open.snapshot, history });
  if (known.length > 0) await notePresence(context, { mailbox, path: open.path, generation, listing });
  return { recorded: 0, filtered: beforeStart.length, parked: 0 };
}

/** The UIDs of the listing that are not before the start point, ascending. */
async function wantedUids({ work, open, listing }: FirstListing): Promise<number[]> {
  const { mailbox, firstRound } = work;
  const question = startQuestion(mailbox.policy.start, { startedAt: mailbox.startedAt, firstRound });
  if (question.ask === 'nothing') return listing.uids;
  const wanted = new Set(await uidsSince(open, question.notBefore));
  if (question.ask === 'unseen-or-since') for (const uid of await open.listUnseenUids()) wanted.add(uid);
  return listing.uids.filter((uid) => wanted.has(uid));
}

async function uidsSince(open: OpenFolder, notBefore: Date): Promise<number[]> {
  // A day earlier, because SEARCH SINCE counts days in the server's time zone; the exact time decides below.
  const dayBefore = new Date(notBefore.getTime() - 24 * 3_600_000);
  const candidates = await open.listUidsSince(dayBefore);
  const envelopes = await open.fetchEnvelopes(candidates);
  const dates = new Map(envelopes.map(({ uid, internalDate }) => [uid, internalDate]));
  return candidates.filter((uid) => (dates.get(uid) ?? notBefore) >= notBefore);
}
