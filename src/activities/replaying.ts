import type { ReplayRef, ReplayShare } from '../db/replay/replay-share';
import type { MailboxForSync } from '../db/sync/mailbox-for-sync';
import type { Connections } from './connections';
import type { ActivityContext, ActivityRun } from './context';

/** What the parts of a replay share: the next messages of a job, all of one mailbox. */
export interface Replaying {
  context: ActivityContext & { connections: Connections };
  run: ActivityRun;
  ref: ReplayRef;
  mailbox: MailboxForSync;
  share: ReplayShare;
}
