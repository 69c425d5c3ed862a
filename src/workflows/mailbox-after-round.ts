import type { RoundResult } from '../activities/run-round';
import { startImport } from './import-start';
import type { MailboxRun } from './mailbox-run';
import { showStatus } from './mailbox-story';

/** What follows from a round: when the next one is due, what is waited for, and the import of history where there is some. */
export async function afterRound(run: MailboxRun, result: Exclude<RoundResult, { kind: 'superseded' }>): Promise<void> {
  if (result.kind === 'done') await live(run, result);
  else {
    if (result.kind === 'retry') backOff(run, result);
    else waitForPerson(run, result);
    if (result.foldersWithHistory !== undefined) await startImport(run);
  }
}

async function live(run: MailboxRun, done: Extract<RoundResult, { kind: 'done' }>): Promise<void> {
  run.story.recorded += done.recorded;
  run.story.parked += done.parked;
  run.unproven = done.unproven > 0;
  run.lookAgainMs = done.lookAgainMs;
  run.timer.keep(done.lookAgainMs);
  const history = done.foldersWithHistory;
  const beside = history > 0 ? `; the history of ${String(history)} folders is being imported beside it` : '';
  showStatus(run.story, { doing: `waits for mail${lackOf(done)}${beside}`, status: 'live' });
  if (history > 0) await startImport(run);
}

/** What a round has not got all the same, in words. */
function lackOf({ owed, unproven }: Extract<RoundResult, { kind: 'done' }>): string {
  const messages = owed > 0 ? `, for messages that ${foldersIn(owed)} listed and did not deliver` : '';
  const folders = unproven > 0 ? `, for ${foldersIn(unproven)} to be shown whole` : '';
  return `${messages}${folders}`;
}

function foldersIn(count: number): string {
  return count === 1 ? '1 folder' : `${String(count)} folders`;
}

function backOff(run: MailboxRun, result: Extract<RoundResult, { kind: 'retry' }>): void {
  run.story.lastFailure = result.failure;
  run.timer.restart(result.retryAfterMs);
  if (result.wait === 'told') {
    run.notBefore = Date.now() + result.retryAfterMs;
    // Mail that came during the round waits too.
    run.isDue = run.isPressing;
  }
  const seconds = String(Math.round(result.retryAfterMs / 1_000));
  showStatus(run.story, { doing: `tries again in ${seconds} s: ${result.failure}`, status: 'backing-off' });
}

function waitForPerson(run: MailboxRun, result: Extract<RoundResult, { kind: 'waiting' }>): void {
  run.story.lastFailure = result.failure;
  if (result.state === 'auth-required') {
    run.waitingFor = 'credentials';
    // Mail that came during the round is no reason to try the same password once more.
    run.isDue = run.isAskedFor;
    run.timer.stop();
    showStatus(run.story, { doing: `waits for a new password: ${result.failure}`, status: result.state });
    return;
  }
  run.waitingFor = 'person';
  run.timer.restart(result.retryAfterMs);
  showStatus(run.story, { doing: `waits for a person: ${result.failure}`, status: result.state });
}
