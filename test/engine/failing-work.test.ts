import { temporal } from '@temporalio/proto';

import type { ActivityContext, Engine, JobRef } from '../../src/activities/context';
import { endIfFailing } from '../../src/activities/reconcile/failing-run';
import { defaultLimits } from '../../src/config/limits';
import { newUuid } from '../../src/db/new-id';
import { createMailboxEngine } from '../../src/engine/mailbox-engine';
import { schedules, taskQueues, workflowIds, workflowNames } from '../../src/workflows/contract';
import { createTestNamespace } from '../support/temporal';

// The real server, and no worker: a test answers workflow tasks as a worker does that cannot read the history.

let temporalServer: Awaited<ReturnType<typeof createTestNamespace>>;
let engine: Engine;

beforeAll(async () => {
  temporalServer = await createTestNamespace();
  for (const { id } of schedules) await temporalServer.client.schedule.getHandle(id).delete();
  engine = createMailboxEngine(temporalServer.client);
});
afterAll(() => temporalServer.close());

const pollMs = 30_000;

/** Fails the workflow task of a stop as often as that; the server waits longer before each. What else runs on the queue fails too. */
async function failTasks(mailboxId: string, times: number): Promise<void> {
  const { client, namespace } = temporalServer;
  for (let failed = 0; failed < times;) {
    const poll = { namespace, taskQueue: { name: taskQueues.sync }, identity: 'a worker of another version' };
    const { taskToken, workflowExecution } = await client.withDeadline(Date.now() + pollMs, () =>
      client.workflowService.pollWorkflowTaskQueue(poll),
    );
    if (taskToken.length === 0) continue;
    await client.workflowService.respondWorkflowTaskFailed({
      namespace,
      taskToken,
      cause: temporal.api.enums.v1.WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_NON_DETERMINISTIC_ERROR,
    });
    if (workflowExecution?.workflowId === workflowIds.stopMailbox(mailboxId)) failed += 1;
  }
}

/** The reconciler's context so many minutes from now. */
const inMinutes = (minutes: number) =>
  ({ engine, limits: defaultLimits, now: () => Date.now() + minutes * 60_000 }) as unknown as ActivityContext;

test('a stop whose workflow task keeps failing is met by each start, until it is ended and begun anew', async () => {
  const stop = { tenantId: newUuid(), mailboxId: newUuid() };
  const job: JobRef = { kind: 'stop', id: stop.mailboxId };
  expect(await endIfFailing(inMinutes(11), job)).toBe('none');
  await engine.stop(stop);
  const broken = await engine.runOf(job);
  await failTasks(stop.mailboxId, 3);
  expect(await engine.runOf(job)).toMatchObject({ runId: broken?.runId, taskAttempts: 4 });
  await engine.stop(stop);
  expect((await engine.runOf(job))?.runId).toBe(broken?.runId);
  // What it is told begins the count anew, and the task fails as before.
  await failTasks(stop.mailboxId, 4);
  expect((await engine.runOf(job))?.taskAttempts).toBeGreaterThanOrEqual(4);

  expect(await endIfFailing(inMinutes(9), job)).toBe('runs');
  expect(await endIfFailing(inMinutes(11), job)).toBe('ended');
  expect(await engine.runOf(job)).toBeNull();
  await engine.stop(stop);
  const anew = await engine.runOf(job);
  expect(anew?.runId).not.toBe(broken?.runId);
  expect(anew?.taskAttempts).toBeLessThan(4);
  expect(await endIfFailing(inMinutes(11), job)).toBe('runs');
});

const [tenantId, mailboxId, operationId, id] = [newUuid(), newUuid(), newUuid(), newUuid()];
const links = { tenantId, operationId, kind: 'link-thread' } as const;
const cascade = { tenantId, deletionId: newUuid(), targetId: id };

/** How each kind of job is started. */
const starts: Record<JobRef['kind'], { id: string; start: () => Promise<unknown> }> = {
  stop: { id: mailboxId, start: () => engine.stop({ tenantId, mailboxId }) },
  import: {
    id: mailboxId,
    start: () =>
      temporalServer.client.workflow.start(workflowNames.importHistory, {
        workflowId: workflowIds.importHistory(mailboxId),
        taskQueue: taskQueues.bulk,
      }),
  },
  audit: { id: mailboxId, start: () => engine.startAudit({ tenantId, mailboxId, operationId }) },
  deletion: { id: mailboxId, start: () => engine.startDeletion({ tenantId, mailboxId }) },
  record: { id, start: () => engine.startCascade({ ...cascade, kind: 'record' }) },
  user: { id, start: () => engine.startCascade({ ...cascade, kind: 'user' }) },
  tenant: { id, start: () => engine.startCascade({ ...cascade, kind: 'tenant' }) },
  erasure: { id, start: () => engine.startErasure({ tenantId, deletionId: id }) },
  rematch: { id: operationId, start: () => engine.startRematch({ tenantId, operationId }) },
  merge: { id: operationId, start: () => engine.startMerge({ tenantId, operationId }) },
  thread: { id, start: () => engine.startLinks({ ...links, threadId: id }) },
  links: { id: operationId, start: () => engine.startLinks({ ...links, kind: 'link-messages', threadId: null }) },
  replay: { id: operationId, start: () => engine.startReplay({ tenantId, operationId }) },
  reprocess: { id: operationId, start: () => engine.startReprocess({ tenantId, operationId }) },
  connector: { id, start: () => engine.wakeConnector({ tenantId, connectorId: id }) },
};

test.each(Object.entries(starts))('the run of a job is found by what it was started for: %s', async (kind, job) => {
  const ref = { kind: kind as JobRef['kind'], id: job.id };
  expect(await engine.runOf(ref)).toBeNull();
  await job.start();
  expect(await engine.runOf(ref)).toMatchObject({ taskAttempts: 1 });
});
