import { reconcileMailboxes } from '../../src/activities/reconcile-mailboxes';
import { publicId, uuidOf } from '../../src/domain/ids';
import { taskQueues, workflowIds } from '../../src/workflows/contract';
import { issueKey } from '../support/api';
import { sharedDovecot } from '../support/dovecot';
import { createLifecycleBench, until, type LifecycleBench } from '../support/lifecycle-bench';
import { aMailbox, aMessage, aRecord } from '../support/mail-rows';

// API, Temporal, workers and database are real.

const { imapPort } = sharedDovecot();
let life: LifecycleBench;

beforeAll(async () => {
  life = await createLifecycleBench(imapPort);
});
afterAll(() => life.close());
afterEach(() => life.endWork());

test('a merge that the engine was not told of is started by the reconciler, and undone by its own workflow', async () => {
  const { db } = life.bench.database;
  const tenantId = await life.bench.database.newTenant();
  const { headers } = await issueKey(db, tenantId);
  const [ada, grace] = [
    await aRecord(db, tenantId, { name: 'Ada', addresses: ['ada@customer.example'] }),
    await aRecord(db, tenantId, { name: 'Grace' }),
  ];
  const message = await aMessage(db, await aMailbox(db, tenantId), { from: 'ada@customer.example' });
  const call = async <Answer>(method: 'GET' | 'POST', url: string, payload?: object) => {
    const answer = await life.api.api.inject({ method, url, headers, ...(payload === undefined ? {} : { payload }) });
    return answer.json<Answer>();
  };
  const state = async (operationId: string) =>
    (await call<{ state: string }>('GET', `/v1/operations/${operationId}`)).state;
  const timeline = async (recordId: string) => {
    const url = `/v1/records/${publicId('record', recordId)}/timeline`;
    return (await call<{ items: { id: string }[] }>('GET', url)).items.map(({ id }) => id);
  };

  const { context, engine } = life.api;
  const gateway = context.temporal;
  Object.assign(engine, { down: true });
  context.temporal = engine;
  const asked = await call<{ mergeId: string; operationId: string }>(
    'POST',
    `/v1/records/${publicId('record', ada)}/merge`,
    { into: publicId('record', grace) },
  ).finally(() => (context.temporal = gateway));
  expect(await state(asked.operationId)).toBe('waiting');
  await db.inTenant(tenantId, (sql) =>
    sql.execute(`UPDATE operation SET created_at = now() - interval '2 minutes' WHERE kind = 'merge'`),
  );
  await life.work([taskQueues.bulk]);
  await reconcileMailboxes(life.bench.context, { signal: new AbortController().signal, heartbeat: () => undefined });
  await until(async () => (await state(asked.operationId)) === 'done', 'the merge');
  const handle = life.client.workflow.getHandle(workflowIds.mergeRecords(uuidOf('operation', asked.operationId) ?? ''));
  expect(await handle.result()).toBe('1 of 1 links moved');
  expect(await timeline(grace)).toEqual([publicId('message', message.id)]);

  const undo = await call<{ operationId: string }>('POST', `/v1/merges/${asked.mergeId}/undo`);
  await until(async () => (await state(undo.operationId)) === 'done', 'the undoing');
  await until(async () => (await timeline(ada)).length === 1, 'the mail');
  await until(async () => (await timeline(grace)).length === 0, 'the end of the other');
});
