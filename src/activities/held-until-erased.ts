import { ApplicationFailure, ApplicationFailureCategory } from '@temporalio/common';

import type { Activities } from './index';

/** So soon it is asked again whether all is erased: ten thousand mailboxes may wait. */
const askAgain = '20s';

/**
 * The activities, but for as long as erasures wait to be done again those that speak with others do nothing: no server is logged in to with
 * the password of a mailbox that was deleted, no mail of an erased person is fetched, and no CRM is told of it. Each fails, which costs
 * its workflow no event, and is tried again. What deletions need goes on. `pending` answers null where it cannot be told.
 */
export function heldUntilErased(activities: Activities, pending: () => Promise<number | null>): Activities {
  const held =
    <Input, Result>(work: (input: Input) => Promise<Result>) =>
    async (input: Input): Promise<Result> => {
      if ((await pending()) === 0) return work(input);
      throw ApplicationFailure.create({
        message: 'what was erased before a restore is erased again first',
        type: 'erasures-pending',
        nextRetryDelay: askAgain,
        category: ApplicationFailureCategory.BENIGN,
      });
    };
  return {
    ...activities,
    runRound: held((input) => activities.runRound(input)),
    importBatch: held((input) => activities.importBatch(input)),
    auditFolders: held((input) => activities.auditFolders(input)),
    replayFailures: held((input) => activities.replayFailures(input)),
    connectorTurn: held((input) => activities.connectorTurn(input)),
    holdShard: held((input) => activities.holdShard(input)),
  };
}
