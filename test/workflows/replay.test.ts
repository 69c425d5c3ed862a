import { bundleWorkflowCode, DefaultLogger, Runtime, Worker, type WorkflowBundle } from '@temporalio/worker';

import { recordedHistories } from '../support/histories';

let workflowBundle: WorkflowBundle;

beforeAll(async () => {
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  const logger = new DefaultLogger('ERROR');
  workflowBundle = await bundleWorkflowCode({ workflowsPath: require.resolve('../../src/workflows'), logger });
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
  for (const { history } of histories) await Worker.runReplayHistory({ workflowBundle }, history);
});

test('a history that the code would not have made is refused', async () => {
  const [{ history } = { history: null }] = (await recordedHistories()).filter(({ name }) => name === 'stopped');
  const altered = JSON.parse(JSON.stringify(history).replaceAll('"runRound"', '"anotherActivity"')) as unknown;
  await expect(Worker.runReplayHistory({ workflowBundle }, altered)).rejects.toThrow(/determinis/i);
});
