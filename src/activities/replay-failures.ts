import { StaleFence } from '../domain/stale-fence';
import { replayPlanOf, type MailboxOfRow } from '../domain/replay';
import type { JobProgress } from '../domain/job-progress';
import { jobProgress } from '../db/operations';
import type { ItemNote } from '../db/replay/replay-items';
import {
  giveBackShare,
  noteShare,
  takeShare,
  trackReplay,
  type NextTry,
  type ReplayItem,
  type ReplayRef,
  type ReplayShare,
} from '../db/replay/replay-share';
import { askWhereHealed } from '../db/sync/audits-due';
import { mailboxForSync, type MailboxForSync } from '../db/sync/mailbox-for-sync';
import type { Connections } from './connections';
import type { ActivityContext, ActivityRun } from './context';
import { faultOf, nameOfFault } from './fault-of-messages';
import { fillSearchSoon } from './fill-search';
import { replayFetched } from './replay-fetched';
import { replayStored, type StoredItem } from './replay-stored';
import type { Replaying } from './replaying';

/** Whether there is more to do. `held`: it was paused or called off. */
export interface ReplayResult {
  kind: 'more' | 'held' | 'done';
  /** How many messages had their turn. */
  looked: number;
  /** That of the whole job. */
  progress: JobProgress;
}

const messagesPerShare = 50;
const runForMs = 60_000;

/**
 * Replays the next messages of a job for up to a minute, share by share: from stored bytes where there are any, else fetched again. What a
 * share came to is written in the transaction that records its messages. Second run: goes on with what has not been noted.
 */
export async function replayFailures(
  context: ActivityContext & { connections: Connections },
  run: ActivityRun,
  ref: ReplayRef,
): Promise<ReplayResult> {
  const endsAt = Date.now() + runForMs;
  const limits = { messages: messagesPerShare, bytes: context.limits.fetchBatchBytes };
  let looked = 0;
  await trackReplay(context.db, ref, 'begins');
  while (Date.now() < endsAt) {
    run.signal.throwIfAborted();
    const share = await takeShare(context.db, ref, limits);
    if (share.kind !== 'work') {
      await fillSearchSoon(context, ref.tenantId, looked);
      return { kind: share.kind, looked, progress: await jobProgress(context.db, ref) };
    }
    const end = await replayShare(context, run, { ref, share });
    await trackReplay(context.db, ref, 'goes-on');
    if (end === 'done') looked += share.items.length;
    run.heartbeat();
  }
  return { kind: 'more', looked, progress: await jobProgress(context.db, ref) };
}

/** `in-vain`: it broke off with an error of its messages. They keep their try, and each is taken alone, until it is left alone. */
async function replayShare(
  context: ActivityContext & { connections: Connections },
  run: ActivityRun,
  { ref, share }: { ref: ReplayRef; share: ReplayShare },
): Promise<'done' | 'in-vain'> {
  try {
    await carryOut(context, run, { ref, share });
    return 'done';
  } catch (error) {
    const fault = faultOf(error, run);
    if (fault === 'nobodys') {
      await giveBackShare(context.db, ref, share.items);
      // A newer wish: the next look finds out what it means.
      if (error instanceof StaleFence) return 'in-vain';
    }
    // The pause before an activity is tried again would be paid for each of them.
    if (fault !== 'messages') throw error;
    run.warn?.('a replay broke off at messages', {
      operationId: ref.operationId,
      mailboxId: share.sourceId,
      error: nameOfFault(error),
    });
    return 'in-vain';
  }
}

async function carryOut(
  context: ActivityContext & { connections: Connections },
  run: ActivityRun,
  { ref, share }: { ref: ReplayRef; share: ReplayShare },
): Promise<void> {
  const of = { tenantId: ref.tenantId, mailboxId: share.sourceId, runId: run.runId ?? null };
  const mailbox = await mailboxForSync(context.db, of);
  const { settled, stored, server } = sortOut(share, mailbox);
  const isDry = share.task.mode === 'dry-run';
  for (const next of new Set(settled.map(nextTryOf))) {
    const items = settled.filter((note) => nextTryOf(note) === next);
    await noteShare(context.db, ref, { items, next: isDry ? 'as-planned' : next });
  }
  if (mailbox === null) return;
  const replaying: Replaying = { context, run, ref, mailbox, share };
  await replayStored(replaying, stored);
  if (server.length > 0) await replayFetched(replaying, server);
  if (mailbox.isIncomplete && !isDry) await askWhereHealed(context.db, of);
}

/** What may still come, or come back, is asked for again; what is read or was removed is not. */
function nextTryOf({ outcome, reason }: ItemNote): NextTry {
  if (outcome === 'not-fetched') return 'soon';
  if (outcome === 'refused') return 'as-planned';
  return outcome === 'parked' || reason === 'not-on-server' ? 'ever-later' : 'never';
}

interface Sorted {
  settled: ItemNote[];
  stored: StoredItem[];
  server: ReplayItem[];
}

function sortOut(share: ReplayShare, mailbox: MailboxForSync | null): Sorted {
  const sorted: Sorted = { settled: [], stored: [], server: [] };
  const facts = mailbox === null ? null : factsOf(mailbox, share);
  for (const item of share.items) {
    const plan = replayPlanOf(item.row, facts);
    const { genId, uid } = item;
    if (plan.kind === 'settled') sorted.settled.push({ genId, uid, ...plan.as });
    else if (plan.kind === 'stored') sorted.stored.push({ ...item, blobId: plan.blobId });
    else sorted.server.push(item);
  }
  return sorted;
}

function factsOf({ desired, state, policy }: MailboxForSync, { isDeleting }: ReplayShare): MailboxOfRow {
  return { desired, isDeleting, isLoginRefused: state === 'auth-required', removals: policy.removals };
}
