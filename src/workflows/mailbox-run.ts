import type { RoundResult } from '../activities/run-round';
import type { DesiredState, Fence } from '../domain/mailbox-state';
import type { MailboxRef, MailboxSyncInput } from './contract';
import type { Story } from './mailbox-story';
import { createRoundTimer, type RoundTimer } from './round-timer';

/** What a run hands to the next one when its history has grown long. */
interface Carried {
  story: Story;
  lookAgainMs: number;
  waitingFor: MailboxRun['waitingFor'];
  isDue: boolean;
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
  /** Who must do something before a round makes sense. */
  waitingFor: 'credentials' | 'person' | null;
  importIsRunning: boolean;
  lookAgainMs: number;
  roundsBegun: number;
  roundsEnded: number;
  last: RoundResult | null;
  /** Why it ends, when it ends. */
  why: string;
}

/** The state at the start of a run. The first run of all looks up the wish; a later one goes on with what it was handed. */
export function beginRun(input: MailboxRunInput): MailboxRun {
  const { carried } = input;
  const run: MailboxRun = {
    mailbox: { tenantId: input.tenantId, mailboxId: input.mailboxId },
    timer: createRoundTimer(() => {
      run.isDue = true;
    }),
    story: carried?.story ?? { rounds: 0, recorded: 0, parked: 0, lastFailure: null },
    fence: input.fence,
    desired: input.desired,
    wishIsNew: carried === undefined,
    isDue: carried?.isDue ?? true,
    isAskedFor: false,
    waitingFor: carried?.waitingFor ?? null,
    importIsRunning: false,
    lookAgainMs: carried?.lookAgainMs ?? 21_600_000,
    roundsBegun: 0,
    roundsEnded: 0,
    last: null,
    why: 'stopped',
  };
  if (carried !== undefined && run.desired === 'running' && run.waitingFor !== 'credentials') {
    run.timer.keep(run.lookAgainMs);
  }
  return run;
}

/** The input of the next run. */
export function carriedBy(run: MailboxRun): MailboxRunInput {
  const { mailbox, fence, desired, story, lookAgainMs, waitingFor, isDue } = run;
  return { ...mailbox, fence, desired, carried: { story, lookAgainMs, waitingFor, isDue } };
}
