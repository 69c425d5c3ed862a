import { ApplicationFailure } from '@temporalio/common';

import { createActivities, createShardActivities, type Activities } from '../../src/activities';
import { heldUntilErased } from '../../src/activities/held-until-erased';

/** They speak with mail servers or with a CRM. Whoever adds an activity says here whether it does. */
const speaking = ['auditFolders', 'connectorTurn', 'holdShard', 'importBatch', 'replayFailures', 'runRound'];
const going = [
  'applyWish',
  'beginStop',
  'bringToEnd',
  'changeLinks',
  'deleteCascade',
  'deleteMailboxRows',
  'deletionTurn',
  'erasePersonRows',
  'fillSearchRows',
  'finishStop',
  'goOn',
  'housekeep',
  'mergeRecords',
  'reconcileMailboxes',
  'rematchHistory',
  'reprocess',
  'watchHealth',
];

let done: string[];

/** The names of all activities; each notes that it was done. */
function noting(): Activities {
  const nothing = {} as never;
  const names = Object.keys({ ...createActivities(nothing), ...createShardActivities(nothing) });
  const played = names.map((name) => [
    name,
    () => {
      done.push(name);
      return Promise.resolve(name);
    },
  ]);
  return Object.fromEntries(played) as Activities;
}

async function doAll(pending: number | null): Promise<unknown[]> {
  done = [];
  const held = heldUntilErased(noting(), () => Promise.resolve(pending));
  const results = await Promise.allSettled(Object.values(held).map((work) => (work as () => Promise<unknown>)()));
  return results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []));
}

test.each([1, null])(
  'with %p erasures to be done again nobody is spoken with, and deletions go on',
  async (pending) => {
    const refused = await doAll(pending);
    expect(done.sort()).toEqual(going);
    expect(refused).toHaveLength(speaking.length);
    for (const error of refused) {
      expect(error).toBeInstanceOf(ApplicationFailure);
      expect(error).toMatchObject({ type: 'erasures-pending', nonRetryable: false, category: 'BENIGN' });
    }
  },
);

test('when all is erased every activity does its work, and answers', async () => {
  expect(await doAll(0)).toEqual([]);
  expect(done.sort()).toEqual([...going, ...speaking].sort());
});

test('what waited is asked again, and goes on when its turn comes', async () => {
  done = [];
  const pending = [null, 2, 0];
  const held = heldUntilErased(noting(), () => Promise.resolve(pending.shift() ?? null));
  const input = {} as Parameters<Activities['runRound']>[0];
  await expect(held.runRound(input)).rejects.toThrow('erased again');
  await expect(held.runRound(input)).rejects.toThrow('erased again');
  expect(await held.runRound(input)).toBe('runRound');
});
