import { freeBytes } from '../db/deletion/free-bytes';
import { readAnew } from '../db/reprocess/differences';
import { giveBackLook, noteLooked, type LookNote } from '../db/reprocess/note-looked';
import { tellersInDoubt, type LookShare, type ShareLimits } from '../db/reprocess/next-copies';
import { giveBackWrite, takeShare, type WriteShare } from '../db/reprocess/next-share';
import type { ReprocessRef } from '../db/reprocess/reprocess-task';
import { storedCopies, surroundingsOf } from '../db/reprocess/stored-copies';
import { writeDifferences, type ParsedCopy, type WriteNote } from '../db/reprocess/write-differences';
import type { JobProgress } from '../domain/job-progress';
import { jobProgress } from '../db/operations';
import { trackReplay } from '../db/replay/replay-share';
import { mostReprocessTries, type KeptReason } from '../domain/reprocess';
import { StaleFence } from '../domain/stale-fence';
import type { ActivityContext, ActivityRun } from './context';
import { faultOf, nameOfFault } from './fault-of-messages';
import { fillNews } from './fill-search';
import { readAgain, type ReadAgain } from './reprocess-read';

/** Whether there is more to do. `held`: it was paused or called off. */
export interface ReprocessResult {
  kind: 'more' | 'held' | 'done';
  /** How many copies had their turn. */
  looked: number;
  /** That of the whole job. */
  progress: JobProgress;
}

const copiesPerShare = 50;
const runForMs = 60_000;

/** What is done in one activity. */
interface Work {
  context: ActivityContext;
  run: ActivityRun;
  ref: ReprocessRef;
}

/**
 * Reads the next copies of a job again for up to a minute, share by share, from their kept bytes. A share is noted in the transaction that
 * writes it. Second run: goes on with what has not been noted.
 */
export async function reprocess(
  context: ActivityContext,
  run: ActivityRun,
  ref: ReprocessRef,
): Promise<ReprocessResult> {
  const endsAt = Date.now() + runForMs;
  const limits: ShareLimits = {
    messages: copiesPerShare,
    bytes: context.limits.fetchBatchBytes,
    tries: mostReprocessTries,
  };
  let [looked, changed] = [0, 0];
  let kind: ReprocessResult['kind'] = 'more';
  await trackReplay(context.db, ref, 'begins');
  while (kind === 'more' && Date.now() < endsAt) {
    run.signal.throwIfAborted();
    const share = await takeShare(context.db, ref, limits);
    if (share.kind === 'look' || share.kind === 'write') {
      changed += await carryOut({ context, run, ref }, share);
      await trackReplay(context.db, ref, 'goes-on');
      looked += share.copies.length;
      run.heartbeat();
    } else kind = share.kind;
  }
  const freed = { tenantId: ref.tenantId, deletionId: ref.operationId, sourceId: ref.operationId };
  while (await freeBytes(context.db, freed)) run.heartbeat();
  await fillNews(context.db, ref.tenantId, changed);
  return { kind, looked, progress: await jobProgress(context.db, ref) };
}

/** Where it broke off at a message: that keeps its try, is taken alone, and is left alone after some. */
async function carryOut(work: Work, share: LookShare | WriteShare): Promise<number> {
  const { run, ref } = work;
  try {
    return share.kind === 'look' ? await look(work, share) : await write(work, share);
  } catch (error) {
    const fault = faultOf(error, run);
    if (fault === 'nobodys') await giveBack(work, share);
    // A newer wish, or somebody else has the job: the next look finds out what it means.
    if (error instanceof StaleFence) return 0;
    // The pause before an activity is tried again would be paid for each of them.
    if (fault !== 'messages') throw error;
    const { sourceId } = share.kind === 'look' ? share.next : share.source;
    run.warn?.('a reprocess broke off at messages', {
      operationId: ref.operationId,
      mailboxId: sourceId,
      error: nameOfFault(error),
    });
    return 0;
  }
}

function giveBack({ context, ref }: Work, share: LookShare | WriteShare): Promise<void> {
  return share.kind === 'look' ? giveBackLook(context.db, ref) : giveBackWrite(context.db, ref, share);
}

async function look(work: Work, share: LookShare): Promise<number> {
  const { context, ref } = work;
  const read = share.isGivenUp ? givenUp(share) : await readAgain(context, work.run, { ...ref, copies: share.copies });
  const { notes, same } = await compare(work, share, read);
  await noteLooked(context.db, ref, { share, notes, same, parserVersion: context.parserVersion });
  return 0;
}

const endedItsWorker: KeptReason = 'ended-its-worker';

function givenUp({ copies }: LookShare): Map<string, ReadAgain> {
  return new Map(copies.map(({ copyId }) => [copyId, { kind: 'kept', reason: endedItsWorker }]));
}

async function compare(
  work: Work,
  { copies, next }: LookShare,
  read: Map<string, ReadAgain>,
): Promise<{ notes: LookNote[]; same: string[] }> {
  const parsed = parsedOf(read);
  const tellers = await tellersOf(work, parsed);
  const messages = parsed.map(({ message }) => message);
  const { stored, around } = await work.context.db.inTenant(work.ref.tenantId, async (sql) => ({
    stored: await storedCopies(
      sql,
      work.ref.tenantId,
      parsed.map(({ copyId }) => copyId),
    ),
    around: await surroundingsOf(sql, { ...work.ref, sourceId: next.sourceId }, { messages, tellers }),
  }));
  const notes: LookNote[] = [];
  const same: string[] = [];
  for (const { copyId, messageId } of copies) {
    const [now, before] = [read.get(copyId), stored.get(copyId)];
    if (now?.kind === 'kept') notes.push({ copyId, messageId, fields: [], kept: now.reason });
    if (now?.kind !== 'read' || before === undefined) continue;
    const { fields } = readAnew(before, now.message, around);
    if (fields.length === 0) same.push(copyId);
    else notes.push({ copyId, messageId, fields, kept: null });
  }
  return { notes, same };
}

function parsedOf(read: Map<string, ReadAgain>): ParsedCopy[] {
  return [...read].flatMap(([copyId, now]) => (now.kind === 'read' ? [{ copyId, message: now.message }] : []));
}

/** The keys of copies that messages are told from, where it is in doubt whether another copy is still the same message. */
async function tellersOf({ context, run, ref }: Work, parsed: ParsedCopy[]): Promise<Map<string, string>> {
  const read = parsed.map(({ copyId, message }) => ({ copyId, messageKey: message.messageKey }));
  const copies = await context.db.inTenant(ref.tenantId, (sql) => tellersInDoubt(sql, ref, read));
  const told = parsedOf(await readAgain(context, run, { ...ref, copies }));
  return new Map(told.map(({ copyId, message }) => [copyId, message.messageKey]));
}

async function write(work: Work, share: WriteShare): Promise<number> {
  const { context, ref, run } = work;
  const settled = share.copies.flatMap((copy) => settledOf(share, copy) ?? []);
  const left = new Set(settled.map(({ copyId }) => copyId));
  const copies = share.copies.flatMap(({ copyId, toRead }) => (left.has(copyId) || toRead === null ? [] : [toRead]));
  const read = await readAgain(context, run, { ...ref, copies });
  const kept = [...read].flatMap(([copyId, now]): WriteNote[] =>
    now.kind === 'kept' ? [{ copyId, outcome: 'kept', reason: now.reason }] : [],
  );
  const parsed = parsedOf(read);
  const { parserVersion, secretBox } = context;
  return writeDifferences(context.db, ref, {
    source: { ...share.source, runId: run.runId ?? null },
    parsed,
    tellers: await tellersOf(work, parsed),
    settled: [...settled, ...kept],
    parserVersion,
    fingerprintsOf: (text) => secretBox.fingerprintsOf(text),
  });
}

function settledOf(
  { isDeleting }: WriteShare,
  { copyId, tries, toRead }: WriteShare['copies'][number],
): WriteNote | null {
  if (isDeleting) return { copyId, outcome: 'refused', reason: 'mailbox-deleting' };
  if (toRead === null) return { copyId, outcome: 'gone', reason: null };
  return tries >= mostReprocessTries ? { copyId, outcome: 'kept', reason: endedItsWorker } : null;
}
