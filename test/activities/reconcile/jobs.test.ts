import type { JobRef, OpenRun } from '../../../src/activities/context';
import { reconcileMailboxes, type ReconcileResult } from '../../../src/activities/reconcile-mailboxes';
import { listReconciliations } from '../../../src/db/reconciliations';
import { newUuid } from '../../../src/db/new-id';
import { insertMailboxes } from '../../support/many-mailboxes';
import { jobName, playedEngine, type PlayedEngine } from '../../support/played-engine';
import { createSyncBench, type SyncBench } from '../../support/sync-bench';

// The database is real; Temporal is played. Beside the rounds of mailboxes: stops, deletions, erasures, imports, audits, and jobs on what is stored.

let bench: SyncBench;
let tenantId: string;
let engine: PlayedEngine;

beforeAll(async () => {
  bench = await createSyncBench(0);
});
afterAll(() => bench.close());
beforeEach(async () => {
  tenantId = await bench.database.newTenant();
  engine = playedEngine();
  bench.context.engine = engine;
  Object.assign(bench.context.limits, { reconcileStartsPerSecond: 10_000 });
});
afterEach(async () => {
  for (const table of ['operation', 'deletion', 'connector', 'source']) await inTenant(`DELETE FROM ${table}`);
});

const inTenant = (text: string, values: unknown[] = []) =>
  bench.database.db.inTenant(tenantId, (sql) => sql.execute(text, values));

const reconcile = (warn: (what: string) => void = () => undefined): Promise<ReconcileResult> =>
  reconcileMailboxes(bench.context, { signal: new AbortController().signal, heartbeat: () => undefined, warn });

const findings = async () =>
  (await listReconciliations(bench.database.db, tenantId, { beforeId: null, limit: 100 })).flatMap(
    (run) => run.findings,
  );

const minuteMs = 60_000;

/** A run that began an hour ago and whose task fails, as after an upgrade that cannot read its history. */
const broken = (job: JobRef, change: Partial<OpenRun> = {}): OpenRun => ({
  workflowId: jobName(job),
  runId: 'run',
  startedAt: Date.now() - 60 * minuteMs,
  taskAttempts: 7,
  ...change,
});

/** A mailbox that is to be stopped, deleted ..., for `minutes` already. */
async function mailbox(minutes: number, wish: 'stopped' | 'running' = 'running'): Promise<string> {
  const [id = ''] = await insertMailboxes(bench.database.db, {
    tenantId,
    count: 1,
    desired: wish,
    applied: wish === 'running',
    updatedMinutesAgo: minutes,
  });
  if (wish === 'running') engine.running.set(id, tenantId);
  return id;
}

async function operation(kind: string, values: { sourceId?: string; minutes: number; task?: object; track?: object }) {
  const id = newUuid();
  await inTenant(
    `INSERT INTO operation (tenant_id, id, kind, source_id, state, task, track, created_at)
     VALUES ($1, $2, $3, $4, 'running', $5, $6, now() - $7 * interval '1 minute')`,
    [
      tenantId,
      id,
      kind,
      values.sourceId ?? null,
      JSON.stringify(values.task ?? {}),
      values.track === undefined ? null : JSON.stringify(values.track),
      values.minutes,
    ],
  );
  return id;
}

async function deletion(kind: string, { targetId = newUuid(), parentId = null as string | null } = {}) {
  const id = newUuid();
  await inTenant(
    `INSERT INTO deletion (tenant_id, id, kind, target_id, state, desired_before, begins_at, parent_id)
     VALUES ($1, $2, $3, $4, 'deleting', 'running', now() - interval '1 hour', $5)`,
    [tenantId, id, kind, targetId, parentId],
  );
  return id;
}

async function deletedMailbox(parentId: string | null = null): Promise<string> {
  const mailboxId = await mailbox(60, 'stopped');
  await inTenant('UPDATE source SET deletion_id = gen_random_uuid() WHERE id = $1', [mailboxId]);
  await deletion('mailbox', { targetId: mailboxId, parentId });
  return mailboxId;
}

interface Job {
  job: JobRef;
  /** What is asked to begin it anew, and of what; absent where whoever waits for it does. */
  begins?: { what: string; id: string };
  found: object;
}

const ofOperation = async (kind: string, of: { job: JobRef['kind']; what: string; task?: object; about?: string }) => {
  const id = await operation(kind, { minutes: 60, ...(of.task === undefined ? {} : { task: of.task }) });
  return { job: { kind: of.job, id: of.about ?? id }, begins: { what: of.what, id }, found: { operationId: id } };
};

const ofDeletion = async (kind: 'record' | 'user' | 'tenant') => {
  const targetId = newUuid();
  const id = await deletion(kind, { targetId });
  return { job: { kind, id: targetId }, begins: { what: 'startCascade', id }, found: { deletionId: id } };
};

const threadId = '01a20000-0000-7000-8000-0000000000aa';

const jobs: Record<string, () => Promise<Job>> = {
  'a stop': async () => {
    const id = await mailbox(60, 'stopped');
    return { job: { kind: 'stop', id }, begins: { what: 'stop', id }, found: { mailboxId: id } };
  },
  'an import': async () => {
    const id = await mailbox(60);
    await operation('import', { sourceId: id, minutes: 60 });
    return { job: { kind: 'import', id }, begins: { what: 'poke', id }, found: { mailboxId: id } };
  },
  'an audit': async () => {
    const id = await mailbox(60);
    await operation('audit', { sourceId: id, minutes: 60 });
    return { job: { kind: 'audit', id }, begins: { what: 'startAudit', id }, found: { mailboxId: id } };
  },
  'a deletion of a mailbox': async () => {
    const id = await deletedMailbox();
    return { job: { kind: 'deletion', id }, begins: { what: 'startDeletion', id }, found: { mailboxId: id } };
  },
  'a deletion of a mailbox that goes with a user': async () => {
    const id = await deletedMailbox(newUuid());
    return { job: { kind: 'deletion', id }, found: { mailboxId: id } };
  },
  'a deletion of a record': () => ofDeletion('record'),
  'a deletion of a user': () => ofDeletion('user'),
  'a deletion of a tenant': () => ofDeletion('tenant'),
  'an erasure': async () => {
    const id = await deletion('person');
    return { job: { kind: 'erasure', id }, begins: { what: 'startErasure', id }, found: { deletionId: id } };
  },
  'a rematch': () => ofOperation('rematch', { job: 'rematch', what: 'startRematch' }),
  'a job that tells readers': () => ofOperation('visibility', { job: 'rematch', what: 'startRematch' }),
  'a merge': () => ofOperation('merge', { job: 'merge', what: 'startMerge' }),
  'links of a thread': () =>
    ofOperation('link-thread', {
      job: 'thread',
      about: threadId,
      what: 'startLinks',
      task: { thread: { id: threadId } },
    }),
  'links of messages': () => ofOperation('link-messages', { job: 'links', what: 'startLinks' }),
  'a replay': () => ofOperation('replay', { job: 'replay', what: 'startReplay' }),
  'a job that reads stored mail again': () => ofOperation('reprocess', { job: 'reprocess', what: 'startReprocess' }),
  'a connector': async () => {
    const id = newUuid();
    await inTenant(
      `INSERT INTO connector (tenant_id, id, kind, name, settings, secret, secret_key_id, pushes, pull_due_at)
       VALUES ($1, $2, 'http', 'CRM', '{}', '\\x00', 1, false, now() - interval '1 minute')`,
      [tenantId, id],
    );
    return { job: { kind: 'connector', id }, begins: { what: 'wakeConnector', id }, found: { connectorId: id } };
  },
};

describe.each(Object.entries(jobs))('%s', (_, begun) => {
  test('whose workflow task keeps failing is ended, begun anew and named; while it goes on it is left alone', async () => {
    const { job, begins, found } = await begun();
    engine.runs.set(jobName(job), broken(job, { taskAttempts: 1 }));
    expect((await reconcile()).stuck).toBe(job.kind === 'stop' ? 1 : 0);
    expect(engine.asked.filter(({ what }) => what === 'terminate')).toEqual([]);
    await inTenant('DELETE FROM reconciliation');

    engine.asked.length = 0;
    engine.runs.set(jobName(job), broken(job));
    expect(await reconcile()).toMatchObject({ stuck: 1 });
    const asked = engine.asked.map(({ what, id }) => `${what} ${id}`);
    const ended = asked.indexOf(`terminate ${jobName(job)}`);
    expect(ended).toBeGreaterThanOrEqual(0);
    const anew = begins === undefined ? [] : [`${begins.what} ${begins.id}`];
    expect(asked.slice(ended + 1)).toEqual(expect.arrayContaining(anew));
    expect(await findings()).toEqual([{ ...found, reason: 'workflow-task-fails', action: 'restarted' }]);
  });

  test('that was begun lately is given its time, also where its task fails', async () => {
    const { job } = await begun();
    engine.runs.set(jobName(job), broken(job, { startedAt: Date.now() - 9 * minuteMs }));
    await reconcile();
    expect(engine.asked.filter(({ what }) => what === 'terminate')).toEqual([]);
  });
});

test('an import that recorded something a moment ago is not looked at', async () => {
  const id = await mailbox(60);
  await operation('import', { sourceId: id, minutes: 60, track: { lastAt: Date.now() - minuteMs } });
  engine.runs.set(`import/${id}`, broken({ kind: 'import', id }));
  expect(await reconcile()).toMatchObject({ stuck: 0 });
  await inTenant('UPDATE operation SET track = $1', [JSON.stringify({ lastAt: Date.now() - 11 * minuteMs })]);
  expect(await reconcile()).toMatchObject({ stuck: 1 });
});

test('a stop of a workflow that is surplus is begun anew too where it cannot go on', async () => {
  const gone = '01a20000-0000-7000-8000-000000000001';
  engine.running.set(gone, tenantId);
  engine.open.set(gone, [
    { kind: 'rounds', workflowId: 'mailbox/one', runId: 'run', isBusy: false, heardAt: null, taskAttempts: 0 },
  ]);
  engine.runs.set(`stop/${gone}`, broken({ kind: 'stop', id: gone }));
  expect(await reconcile()).toMatchObject({ ended: 1 });
  expect(engine.asked.map(({ what }) => what)).toEqual(['terminate', 'stop']);
});

/** One of each that nobody runs. */
async function oneOfEach(): Promise<string[]> {
  const starts: string[] = [];
  for (const begun of Object.values(jobs)) {
    const { begins } = await begun();
    if (begins !== undefined && !['poke', 'startAudit'].includes(begins.what)) starts.push(begins.what);
  }
  return starts;
}

test('what cannot be started keeps nothing else from it, and the run is written down', async () => {
  const starts = await oneOfEach();
  const tried: string[] = [];
  const refuse = (what: string) => () => {
    tried.push(what);
    return Promise.reject(new RangeError('of somebody@corp.example'));
  };
  for (const what of new Set(starts)) Object.assign(engine, { [what]: refuse(what) });
  const warned: string[] = [];
  await reconcile((what) => warned.push(what));
  expect(new Set(tried)).toEqual(new Set(starts));
  expect(warned.length).toBe(tried.length);
  expect(warned.join()).not.toContain('@');
  expect(await listReconciliations(bench.database.db, tenantId, { beforeId: null, limit: 1 })).toHaveLength(1);
});

test('jobs of all kinds are started in one pace, and heard of between', async () => {
  for (let n = 0; n < 6; n += 1) await oneOfEach();
  Object.assign(bench.context.limits, { reconcileStartsPerSecond: 100 });
  let beats = 0;
  await reconcileMailboxes(bench.context, {
    signal: new AbortController().signal,
    heartbeat: () => {
      beats += 1;
    },
  });
  const times = engine.asked.filter(({ what }) => /^(start[A-Z]|wake|stop)/.test(what)).map(({ at }) => at);
  expect(times.length).toBeGreaterThanOrEqual(6 * 13);
  expect(beats).toBeGreaterThanOrEqual(times.length);
  for (const [n, at] of times.entries()) {
    expect(times.slice(n).filter((later) => later - at < 450).length).toBeLessThanOrEqual(50);
  }
});

test('of very many jobs some are started in each run, those of a thread in their order', async () => {
  const first = await operation('link-thread', { minutes: 50, task: { thread: { id: threadId } } });
  await operation('unlink-thread', { minutes: 40, task: { thread: { id: threadId } } });
  for (const kind of ['rematch', 'merge']) {
    await inTenant(
      `INSERT INTO operation (tenant_id, id, kind, state, created_at)
       SELECT $1, gen_random_uuid(), $2, 'waiting', now() - interval '1 hour' FROM generate_series(1, 205)`,
      [tenantId, kind],
    );
  }
  for (const kind of ['record', 'person', 'mailbox']) {
    await inTenant(
      `INSERT INTO deletion (tenant_id, id, kind, target_id, state, desired_before, begins_at)
       SELECT $1, gen_random_uuid(), $2, gen_random_uuid(), 'deleting', 'running', now() - interval '1 hour' FROM generate_series(1, 205)`,
      [tenantId, kind],
    );
  }
  await reconcile();
  const count = (what: string) => engine.asked.filter((one) => one.what === what).length;
  const counts = ['startRematch', 'startMerge', 'startCascade', 'startErasure', 'startDeletion'].map(count);
  expect(counts).toEqual([200, 200, 200, 200, 200]);
  expect(engine.asked.filter(({ what }) => what === 'startLinks').map(({ id }) => id)).toEqual([first]);
});
