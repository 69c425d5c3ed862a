import { condition, setHandler } from '@temporalio/workflow';

import type { PokeReason, SyncNowAnswer } from './contract';
import { pokeSignal, statusQuery, syncNowUpdate, wishSignal } from './mailbox-messages';
import type { MailboxRun } from './mailbox-run';

/** Attaches what a mailbox's workflow hears. To be called before the first wait, so that nothing sent early is lost. */
export function listen(run: MailboxRun): void {
  setHandler(
    pokeSignal,
    (reason) => {
      // A refused password is not tried again because mail came: that locks accounts.
      const isAskedFor = reason === 'credentials' || reason === 'person';
      if (run.waitingFor === 'credentials' && !isAskedFor) return;
      if (isAskedFor) run.isAskedFor = true;
      if (isNews(reason)) {
        // Who was told when to come back, and comes before, is told to wait longer. The timer makes the round.
        if (Date.now() < run.notBefore) return;
      } else run.isPressing = true;
      run.waitingFor = null;
      run.isDue = true;
    },
    { description: 'Look now; many pokes make one round' },
  );
  setHandler(
    wishSignal,
    (wish) => {
      if (wish.generation > run.fence.generation) run.wishIsNew = true;
    },
    { description: 'The wish in Postgres has changed' },
  );
  setHandler(syncNowUpdate, () => syncNow(run), { description: 'Look now, and answer when the round has ended' });
  setHandler(statusQuery, () => run.story, { description: 'Counts since the mailbox was connected' });
}

/**
 * What waits for the time that the server named. A person, a change and a new wish do not wait; nor does who watches: a login that is
 * refused there is to be told to the owner, and a server that lets in again is newer than what it said before.
 */
function isNews(reason: PokeReason): boolean {
  return reason === 'arrival' || reason === 'reconcile';
}

async function syncNow(run: MailboxRun): Promise<SyncNowAnswer> {
  await condition(() => !run.wishIsNew);
  if (run.desired !== 'running') return { kind: 'not-running', state: run.desired };
  if (run.waitingFor === 'credentials') return { kind: 'not-running', state: 'auth-required' };
  run.isDue = true;
  run.isAskedFor = true;
  run.isPressing = true;
  const mine = run.roundsBegun + 1;
  await condition(() => run.roundsEnded >= mine || run.desired !== 'running');
  return answerOf(run);
}

function answerOf({ desired, last }: MailboxRun): SyncNowAnswer {
  if (desired !== 'running') return { kind: 'not-running', state: desired };
  if (last === null || last.kind === 'superseded') return { kind: 'failed', failure: 'superseded' };
  if (last.kind !== 'done') return { kind: 'failed', failure: last.failure };
  return { kind: 'done', recorded: last.recorded, filtered: last.filtered, parked: last.parked };
}
