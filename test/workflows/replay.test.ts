import { DefaultLogger, Runtime, Worker, type WorkflowBundleOption } from '@temporalio/worker';

import { recordedHistories } from '../support/histories';
import { workflowBundle } from '../support/workflow-bundle';

let bundle: WorkflowBundleOption;

beforeAll(async () => {
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  bundle = await workflowBundle();
});

// Histories are recorded with LETTERBOOK_RECORD_HISTORIES=1. A failure here means: workflows that run now would break.
test('every kind of run that was recorded still replays', async () => {
  const histories = await recordedHistories();
  expect(histories.map(({ name }) => name)).toEqual(
    expect.arrayContaining([
      'stopped',
      'paused-and-resumed',
      'with-import',
      'import',
      'auth-required',
      'continued-as-new',
    ]),
  );
  for (const { history } of histories) await Worker.runReplayHistory({ workflowBundle: bundle }, history);
});

test('a history that the code would not have made is refused', async () => {
  const [{ history } = { history: null }] = (await recordedHistories()).filter(({ name }) => name === 'stopped');
  const altered = JSON.parse(JSON.stringify(history).replaceAll('"runRound"', '"anotherActivity"')) as unknown;
  await expect(Worker.runReplayHistory({ workflowBundle: bundle }, altered)).rejects.toThrow(/determinis/i);
});
