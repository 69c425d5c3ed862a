import { decideRemovals, thrownAwayAmong, type RemovalCandidate, type RemovalVerdict } from '../../domain/removal';
import { readCatalogue } from '../../db/deletion/catalogue';
import { freeBytes } from '../../db/deletion/free-bytes';
import { carryOutRemovals, planRemoval } from '../../db/removals/carry-out';
import {
  aliveMessages,
  nextRemovalMs,
  noteRemovals,
  postponeRemovals,
  removalCandidates,
} from '../../db/removals/pending';
import { restoreLinks } from '../../db/removals/removed-links';
import type { MailboxForSync } from '../../db/sync/mailbox-for-sync';
import type { Mailbox } from '../../mail/mailbox';
import type { ActivityContext, ActivityRun } from '../context';
import { fillSearchSoon } from '../fill-search';
import { readSurvivors } from '../read-survivors';
import { lookEverywhere, lookIntoTrash } from './look-everywhere';

interface Mirrored {
  mailbox: MailboxForSync;
  open: Mailbox;
}

/** While a person is asked, what they are asked about is looked at again this often: it may have come back. */
const askedAgainMs = 3_600_000;

/**
 * Carries out the removals of a mirrored mailbox whose grace is over: looks into all folders in scope once more, and removes what is in
 * none of them. Returns in how many milliseconds to look again; null where nothing waits. Second run: goes on with what waits.
 * @throws MailFailure, StaleFence
 */
export async function settleRemovals(context: ActivityContext, run: ActivityRun, at: Mirrored): Promise<number | null> {
  const { mailbox } = at;
  if (mailbox.policy.removals === 'keep') return null;
  await noteRemovals(context.db, mailbox);
  await restoreLinks(context.db, mailbox);
  const nextMs = await nextRemovalMs(context.db, mailbox);
  if (nextMs === null || nextMs > 0) return nextMs;
  const { verdicts, alive, waits } = await decide(context, run, at);
  const { removalRetryMs: retryMs, removalChunk } = context.limits;
  const of = (verdict: RemovalVerdict) => [...verdicts].flatMap(([copyId, is]) => (is === verdict ? [copyId] : []));
  await postponeRemovals(context.db, mailbox, {
    alive: of('alive'),
    wait: of('wait'),
    waits,
    ask: of('ask'),
    alivePlaced: alive,
    retryMs,
    askedAgainMs,
  });
  const going = of('remove');
  for (let from = 0; from < going.length; from += removalChunk) {
    run.signal.throwIfAborted();
    await remove(context, run, { mailbox, copyIds: going.slice(from, from + removalChunk) });
    run.heartbeat();
  }
  const leftMs = await nextRemovalMs(context.db, mailbox);
  // What could not go (its text must be read from a copy that changed meanwhile) is not asked for in a hot loop.
  return leftMs === 0 ? retryMs : leftMs;
}

interface Decided {
  verdicts: Map<string, RemovalVerdict>;
  alive: number;
  waits: 'as-long' | 'ever-longer';
}

async function decide(context: ActivityContext, run: ActivityRun, at: Mirrored): Promise<Decided> {
  const { mailbox } = at;
  const {
    confirmRemovalsAbove: above,
    confirmRemovalsPercent: percent,
    removalUnknownMs: unknownAfterMs,
  } = context.limits;
  const { evidence, getsOn } = await lookEverywhere(context, run, {
    ...at,
    candidates: await removalCandidates(context.db, mailbox),
  });
  const waits = getsOn ? 'as-long' : 'ever-longer';
  // Anew, for the look may have found and recorded some of them.
  const candidates = await removalCandidates(context.db, mailbox);
  const isMany = candidates.length > above;
  const alive = isMany ? await aliveMessages(context.db, mailbox) : 0;
  const rule = { above, percent, alive, thrownAway: new Set<string>(), unknownAfterMs };
  const verdicts = decideRemovals(candidates, evidence, rule);
  if (![...verdicts.values()].includes('ask')) return { verdicts: onlyDue(verdicts, candidates), alive, waits };
  const thrownAway = thrownAwayAmong(candidates, await lookIntoTrash(context, run, at));
  return { verdicts: onlyDue(decideRemovals(candidates, evidence, { ...rule, thrownAway }), candidates), alive, waits };
}

/** What waits for its grace goes on waiting, and is not put off. */
function onlyDue(verdicts: Map<string, RemovalVerdict>, candidates: RemovalCandidate[]): Map<string, RemovalVerdict> {
  const early = new Set(candidates.flatMap(({ copyId, isDue }) => (isDue ? [] : [copyId])));
  return new Map([...verdicts].filter(([copyId, verdict]) => verdict !== 'wait' || !early.has(copyId)));
}

async function remove(
  context: ActivityContext,
  run: ActivityRun,
  { mailbox, copyIds }: { mailbox: MailboxForSync; copyIds: string[] },
): Promise<void> {
  const { db } = context;
  const { tenantId } = mailbox;
  const catalogue = await db.inTenant(tenantId, readCatalogue);
  const plan = await planRemoval(db, mailbox, copyIds);
  const contents = await readSurvivors(context, run, { tenantId, messages: plan.toRead });
  const { activityOnDelete: activities } = mailbox.policy;
  const { retold } = await carryOutRemovals(db, mailbox, { plan, contents, catalogue, activities });
  while (await freeBytes(db, plan.ref)) run.heartbeat();
  await fillSearchSoon(context, tenantId, retold);
}
