import { unfinishedCascades } from '../../db/deletion/cascade/cascades';
import { partsUnderWay, unfinishedDeletions } from '../../db/deletion/deletions';
import { unfinishedMerges } from '../../db/merges/unfinished-merges';
import { unfinishedErasures } from '../../db/people/unfinished-erasures';
import { unfinishedRematches } from '../../db/records-rematch';
import { unfinishedLinks } from '../../db/thread-links/unfinished';
import { publicId } from '../../domain/ids';
import type { ActivityContext, JobRef } from '../context';
import { endIfFailing } from './failing-run';
import { inTurn, type Turns } from './in-turn';
import { foundFailing, type Found, type Tallies } from './tally';

/** A job that has not ended. */
interface UnfinishedJob {
  tenantId: string;
  /** Its workflow. */
  job: JobRef;
  /** By what it is named where it stands out. */
  found: Found;
  /** Null: whoever waits for it begins it again. */
  start: (() => Promise<void>) | null;
}

/** Who wrote a job has had the time to start it. */
const unattendedAfterMs = 60_000;

/**
 * Starts jobs that nobody runs, and begins anew those whose workflow task keeps failing, each kind in its turn and some hundreds of it in a
 * run. One that cannot be started is left to the next minute, and keeps no other from it. Second run: one that runs is left alone.
 */
export async function startJobs(
  context: ActivityContext,
  turns: Turns,
  tallies: Tallies,
): Promise<{ rematches: number; deletions: number }> {
  const { db, engine } = context;
  const links = await linksToStart(context);
  const rematches = (await unfinishedRematches(db, unattendedAfterMs)).map((job) =>
    ofOperation(job, 'rematch', () => engine.startRematch(job)),
  );
  const merges = (await unfinishedMerges(db, unattendedAfterMs)).map((job) =>
    ofOperation(job, 'merge', () => engine.startMerge(job)),
  );
  const deletions = await deletionsToStart(context);
  const erasures = (await unfinishedErasures(db)).map((job): UnfinishedJob => {
    const { tenantId, deletionId } = job;
    const start = () => engine.startErasure(job);
    return { tenantId, job: { kind: 'erasure', id: deletionId }, found: { deletionId }, start };
  });
  for (const job of [...deletions, ...erasures, ...(await deletedParts(context)), ...links, ...rematches, ...merges])
    await keepGoing(context, job, { turns, tallies });
  return { rematches: rematches.length, deletions: deletions.length };
}

/** Starts a job in its turn where nobody runs it, or its run cannot go on; the latter stands out. */
export async function keepGoing(
  context: ActivityContext,
  { tenantId, job, found, start }: UnfinishedJob,
  { turns, tallies }: { turns: Turns; tallies: Tallies },
): Promise<void> {
  await inTurn(turns, { what: `${job.kind} not started`, ids: idsOf(found) }, async () => {
    const standing = await endIfFailing(context, job);
    if (standing === 'runs') return;
    if (standing === 'ended') foundFailing(tallies, tenantId, found);
    await start?.();
  });
}

function ofOperation(
  { tenantId, operationId }: { tenantId: string; operationId: string },
  kind: 'rematch' | 'merge',
  start: () => Promise<void>,
): UnfinishedJob {
  return { tenantId, job: { kind, id: operationId }, found: { operationId }, start };
}

async function linksToStart({ db, engine }: ActivityContext): Promise<UnfinishedJob[]> {
  return (await unfinishedLinks(db, unattendedAfterMs)).map((links) => {
    const { tenantId, operationId, threadId } = links;
    // A thread has one workflow for all of its operations.
    const job: JobRef = threadId === null ? { kind: 'links', id: operationId } : { kind: 'thread', id: threadId };
    return { tenantId, job, found: { operationId }, start: () => engine.startLinks(links) };
  });
}

async function deletionsToStart({ db, engine }: ActivityContext): Promise<UnfinishedJob[]> {
  const mailboxes = (await unfinishedDeletions(db)).map(({ tenantId, mailboxId }): UnfinishedJob => {
    const start = () => engine.startDeletion({ tenantId, mailboxId });
    return { tenantId, job: { kind: 'deletion', id: mailboxId }, found: { mailboxId }, start };
  });
  const cascades = (await unfinishedCascades(db)).map((cascade): UnfinishedJob => {
    const { tenantId, deletionId, kind, targetId: id } = cascade;
    return { tenantId, job: { kind, id }, found: { deletionId }, start: () => engine.startCascade(cascade) };
  });
  return [...mailboxes, ...cascades];
}

/** Mailboxes that are deleted with a user or a tenant: that deletion waits for the workflow of each, and looks again when it has ended. */
async function deletedParts({ db }: ActivityContext): Promise<UnfinishedJob[]> {
  return (await partsUnderWay(db)).map(({ tenantId, mailboxId }) => {
    return { tenantId, job: { kind: 'deletion', id: mailboxId }, found: { mailboxId }, start: null };
  });
}

function idsOf(found: Found): Record<string, string> {
  if ('mailboxId' in found) return { mailboxId: publicId('mailbox', found.mailboxId) };
  if ('operationId' in found) return { operationId: publicId('operation', found.operationId) };
  if ('deletionId' in found) return { deletionId: publicId('deletion', found.deletionId) };
  return { connectorId: publicId('connector', found.connectorId) };
}
