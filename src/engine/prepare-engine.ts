import { ScheduleAlreadyRunning, type Client } from '@temporalio/client';
import { temporal } from '@temporalio/proto';

import { schedules, searchAttributes, taskQueues } from '../workflows/contract';

const retentionDays = 30;
/** gRPC's ALREADY_EXISTS and NOT_FOUND. */
const alreadyExists = 6;
const notFound = 5;

/**
 * Makes a Temporal cluster ready for us, at every boot and before the first workflow is started: the namespace, the search attributes
 * and the schedules of what runs by the clock. Second run, also at the same moment in another process: no change.
 */
export async function prepareEngine(client: Client): Promise<void> {
  await ensureNamespace(client);
  await ensureSearchAttributes(client);
  await ensureSchedules(client);
}

async function ensureNamespace(client: Client): Promise<void> {
  const namespace = client.options.namespace;
  const retention = { seconds: retentionDays * 86_400 };
  try {
    await client.workflowService.describeNamespace({ namespace });
  } catch (error) {
    if (codeOf(error) !== notFound) throw error;
    await client.workflowService
      .registerNamespace({ namespace, workflowExecutionRetentionPeriod: retention as never })
      .catch(unless(alreadyExists));
  }
}

/** A server that has them says so with a warning or an error; both mean that they are there. */
async function ensureSearchAttributes(client: Client): Promise<void> {
  const keyword = temporal.api.enums.v1.IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD;
  await client.connection.operatorService
    .addSearchAttributes({
      namespace: client.options.namespace,
      searchAttributes: Object.fromEntries(searchAttributes.map((name) => [name, keyword])),
    })
    .catch(unless(alreadyExists));
}

async function ensureSchedules(client: Client): Promise<void> {
  for (const { id, workflow, every, summary } of schedules) {
    try {
      await client.schedule.create({
        scheduleId: id,
        spec: { intervals: [{ every }] },
        policies: { overlap: 'SKIP', catchupWindow: '1 minute' },
        action: {
          type: 'startWorkflow',
          workflowType: workflow,
          taskQueue: taskQueues.sync,
          workflowId: id,
          workflowExecutionTimeout: '30 minutes',
          staticSummary: summary,
        },
        state: { triggerImmediately: true },
      });
    } catch (error) {
      if (!(error instanceof ScheduleAlreadyRunning)) throw error;
    }
  }
}

function unless(code: number): (error: unknown) => void {
  return (error) => {
    if (codeOf(error) !== code) throw error;
  };
}

function codeOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
}
