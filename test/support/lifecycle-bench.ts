import { setTimeout as sleep } from 'node:timers/promises';

import type { Client } from '@temporalio/client';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';

import { createActivities } from '../../src/activities';
import type { Limits } from '../../src/config/limits';
import { publicId } from '../../src/domain/ids';
import { createMailboxEngine } from '../../src/engine/mailbox-engine';
import { createTemporalGateway } from '../../src/engine/temporal-gateway';
import type { taskQueues } from '../../src/workflows/contract';
import { issueKey, testApi, type IssuedKey, type TestApi } from './api';
import { createSyncBench, type SyncBench, type TestMailbox } from './sync-bench';
import { createTestNamespace, temporalAddress } from './temporal';
import { workflowBundle } from './workflow-bundle';

type Queue = (typeof taskQueues)[keyof typeof taskQueues];

/** An operation as the API shows it. */
export interface ShownOperation {
  id: string;
  kind: string;
  state: string;
  result: Record<string, unknown> | null;
  error: Record<string, unknown> | null;
}

/** The whole of a mailbox's life without processes: API, Temporal, workers, database and mail server are real. */
export interface LifecycleBench {
  bench: SyncBench;
  client: Client;
  api: TestApi;
  /** Starts workers of these queues. `workflows` alone leaves their activities to nobody. */
  work(queues: Queue[], does?: 'all' | 'workflows'): Promise<void>;
  /** Ends all workers, as SIGTERM does. */
  endWork(): Promise<void>;
  /** POST /v1/mailboxes/{id}/{kind} */
  wish(mailbox: TestMailbox, kind: string): Promise<ShownOperation>;
  /** The operation when it has ended. */
  ended(mailbox: TestMailbox, operation: { id: string }): Promise<ShownOperation>;
  state(mailbox: TestMailbox): Promise<string>;
  /** Goes over to a Temporal that knows of nothing, as when its database was thrown away. Ends all workers. */
  loseTemporal(): Promise<void>;
  close(): Promise<void>;
}

/** Waits for something, for as long as a loaded machine may need. */
export async function until(condition: () => boolean | Promise<boolean>, what = 'it'): Promise<void> {
  for (let tries = 0; tries < 900; tries += 1) {
    if (await condition()) return;
    await sleep(100);
  }
  throw new Error(`${what} did not happen within 90 s`);
}

export async function createLifecycleBench(port: number, limits: Partial<Limits> = {}): Promise<LifecycleBench> {
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  let engine = await createTestNamespace();
  const bench = await createSyncBench(port, limits);
  const api = testApi(bench.database.db);
  const gatewayOf = (namespace: string) => createTemporalGateway({ address: temporalAddress(), namespace });
  let gateway = gatewayOf(engine.namespace);
  const useEngine = () => {
    bench.context.engine = createMailboxEngine(engine.client);
    api.context.temporal = gateway;
  };
  useEngine();
  const connection = await NativeConnection.connect({ address: temporalAddress() });
  const bundle = await workflowBundle();
  const activities = createActivities(bench.context);
  const working: { worker: Worker; running: Promise<void> }[] = [];
  const keys = new Map<string, IssuedKey>();

  async function keyOf({ tenantId }: TestMailbox): Promise<IssuedKey> {
    const key = keys.get(tenantId) ?? (await issueKey(bench.database.db, tenantId));
    keys.set(tenantId, key);
    return key;
  }

  async function work(queues: Queue[], does: 'all' | 'workflows' = 'all'): Promise<void> {
    for (const taskQueue of queues) {
      const worker = await Worker.create({
        connection,
        namespace: engine.namespace,
        taskQueue,
        workflowBundle: bundle,
        maxHeartbeatThrottleInterval: '1s',
        ...(does === 'all' ? { activities } : {}),
      });
      working.push({ worker, running: worker.run() });
    }
  }

  async function endWork(): Promise<void> {
    const ending = working.splice(0);
    for (const { worker } of ending) worker.shutdown();
    await Promise.all(ending.map(({ running }) => running));
  }

  const request = async (mailbox: TestMailbox, method: 'GET' | 'POST', path: string) => {
    const answer = await api.api.inject({ method, url: path, headers: (await keyOf(mailbox)).headers });
    if (answer.statusCode >= 300) throw new Error(`${path} answered ${String(answer.statusCode)}`);
    return answer;
  };
  const urlOf = (mailbox: TestMailbox) => `/v1/mailboxes/${publicId('mailbox', mailbox.mailboxId)}`;

  return {
    bench,
    get client() {
      return engine.client;
    },
    api,
    work,
    endWork,
    wish: async (mailbox, kind) => (await request(mailbox, 'POST', `${urlOf(mailbox)}/${kind}`)).json<ShownOperation>(),
    ended: async (mailbox, { id }) => {
      let shown: ShownOperation | undefined;
      await until(async () => {
        shown = (await request(mailbox, 'GET', `/v1/operations/${id}`)).json<ShownOperation>();
        return shown.state !== 'waiting' && shown.state !== 'running';
      }, 'the end of the operation');
      if (shown === undefined) throw new Error('the operation was not shown');
      return shown;
    },
    state: async ({ tenantId, mailboxId }) => {
      const rows = await bench.database.db.inTenant(tenantId, (sql) =>
        sql.query<{ state: string }>('SELECT state FROM mailbox WHERE source_id = $1', [mailboxId]),
      );
      return rows[0]?.state ?? 'gone';
    },
    loseTemporal: async () => {
      await endWork();
      await gateway.close();
      await engine.close();
      engine = await createTestNamespace();
      gateway = gatewayOf(engine.namespace);
      useEngine();
    },
    close: async () => {
      await endWork();
      await connection.close();
      await gateway.close();
      await api.api.close();
      await bench.close();
      await engine.close();
    },
  };
}
