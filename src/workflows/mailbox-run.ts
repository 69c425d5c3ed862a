import type { RoundResult } from '../activities/run-round';
import type { DesiredState, Fence } from '../domain/mailbox-state';
import type { MailboxRef, MailboxSyncInput } from './contract';
import type { Story } from './mailbox-story';
import { createRoundTimer, type RoundTimer } from './round-timer';

/** What a run hands to the next one when its history has grown long. */
interface Carried {
  story: Story;
  lookAgainMs: number;
  unproven: boolean;
  waitingFor: MailboxRun['waitingFor'];
  isDue: boolean;
  /** When the timer of the run before would have made a round; null where none ran. */
  dueAt: number | null;
  notBefore: number;
}

export type MailboxRunInput = MailboxSyncInput & { carried?: Carried };

/** The state of a mailbox's workflow. */
export interface MailboxRun {
  readonly mailbox: MailboxRef;
  readonly timer: RoundTimer;
  readonly story: Story;
  fence: Fence;
  desired: DesiredState;
  /** The wish in Postgres may be newer than the one that is carried out. */
  wishIsNew: boolean;
  /** A round is wanted. */
  isDue: boolean;
  /** A person asked for the round that is due, or has changed the password: it is made whatever the one before it came to. */
  isAskedFor: boolean;
  /** More than mail makes the round due: it does not wait for `notBefore`. */
  isPressing: boolean;
  /** News makes no round before this time, in milliseconds since the epoch: the one that the last failure named. 0 where it named none. */
  notBefore: number;
  /** Who must do something before a round makes sense. */
  waitingFor: 'credentials' | 'person' | null;
  importIsRunning: boolean;
  /** The last round that was done saw a folder whose listing was not believed. */
  unproven: boolean;
  lookAgainMs: number;
  roundsBegun: number;
  roundsEnded: number;
  last: RoundResult | null;
  /** Why it ends, when it ends. */
  why: string;
}

const nothingCarried: Carried = {
  story: { rounds: 0, recorded: 0, parked: 0, lastFailure: null },
  lookAgainMs: 21_600_000,
  unproven: false,
  waitingFor: null,
  isDue: true,
  dueAt: null,
  notBefore: 0,
};

/** The state at the start of a run. The first run of all looks up the wish; a later one goes on with what it was handed. */
export function beginRun(input: MailboxRunInput): MailboxRun {
  const { story, lookAgainMs, unproven, waitingFor, isDue, dueAt, notBefore } = input.carried ?? nothingCarried;
  const run: MailboxRun = {
    mailbox: { tenantId: input.tenantId, mailboxId: input.mailboxId },
    timer: createRoundTimer(() => {
      run.isDue = true;
    }),
    // A copy: what is counted here is this run's.
    story: { ...story },
    fence: input.fence,
    desired: input.desired,
    wishIsNew: input.carried === undefined,
    isDue,
    isAskedFor: false,
    isPressing: false,
    notBefore,
    waitingFor,
    importIsRunning: false,
    unproven,
    lookAgainMs,
    roundsBegun: 0,
    roundsEnded: 0,
    last: null,
    why: 'stopped',
  };
  if (input.carried !== undefined && run.desired === 'running' && waitingFor !== 'credentials') {
    if (dueAt === null) run.timer.keep(lookAgainMs);
    else run.timer.restart(Math.max(0, dueAt - Date.now()));
  }
  return run;
}

/** The input of the next run. */
export function carriedBy(run: MailboxRun): MailboxRunInput {
  const { mailbox, fence, desired, story, lookAgainMs, unproven, waitingFor, isDue, notBefore } = run;
  const carried = { story, lookAgainMs, unproven, waitingFor, isDue, dueAt: run.timer.dueAt(), notBefore };
  return { ...mailbox, fence, desired, carried };
}
