import { CrmFailure } from '../crm/crm-failure';
import { readConnector, type StoredConnector } from '../db/connectors/connectors';
import { forgetTold, nextNews } from '../db/connectors/news';
import { noteConnectorFailure, notePulled, type ConnectorRef } from '../db/connectors/progress';
import { takeOver } from '../db/connectors/take-over';
import { backoffMs } from '../domain/backoff';
import type { Directory } from '../domain/directory';
import type { ActivityContext, ActivityRun } from './context';

/** What a turn of a connector came to, and when the next one is due. */
export interface ConnectorTurn {
  /** `gone`: there is no such connector; `paused`: a person wants it so. */
  kind: 'worked' | 'failed' | 'paused' | 'gone';
  told: number;
  taken: number;
  /** How long to wait for the next one; 0 where there is more to do already. */
  waitMs: number;
  /** The code of what went wrong. */
  code: string | null;
}

const newsPerStep = 500;
const runForMs = 60_000;

/**
 * Tells a CRM what it does not know yet, in order, then takes over what changed there, for a minute at most. Second run: what was told and
 * not yet forgotten is told again, under the same ids; a page that was taken over already has moved the cursor, and is not taken over again.
 */
export async function connectorTurn(
  context: ActivityContext,
  run: ActivityRun,
  input: { tenantId: string; connectorId: string },
): Promise<ConnectorTurn> {
  const { tenantId, connectorId } = input;
  const connector = await context.db.inTenant(tenantId, (sql) => readConnector(sql, tenantId, connectorId));
  if (connector === null) return { ...nothing, kind: 'gone' };
  if (connector.state === 'paused') return { ...nothing, kind: 'paused' };
  const restMs = (connector.retryAt?.getTime() ?? 0) - context.now();
  if (restMs > 0) return { ...nothing, kind: 'failed', waitMs: restMs, code: connector.lastError?.code ?? null };
  const ref: ConnectorRef = { tenantId, connectorId, version: connector.version };
  const done = { told: 0, taken: 0 };
  try {
    const work = { context, run, connector, ref, done, directory: context.openDirectory(connector) };
    const waitMs = await carryOn({ ...work, endsAt: performance.now() + runForMs });
    return { kind: 'worked', ...done, waitMs, code: null };
  } catch (error) {
    if (!(error instanceof CrmFailure)) throw error;
    const waitMs = await noteFailure(context, { connector, ref, error });
    return { kind: 'failed', ...done, waitMs, code: error.code };
  }
}

const nothing = { told: 0, taken: 0, waitMs: 0, code: null };

interface Work {
  context: ActivityContext;
  run: ActivityRun;
  connector: StoredConnector;
  ref: ConnectorRef;
  directory: Directory;
  done: { told: number; taken: number };
  endsAt: number;
}

/**
 * How long there is nothing to do after this; 0 where it ended before all was done. What changed at a CRM is taken over although it refuses
 * what it is told: that may be for good.
 */
async function carryOn(work: Work): Promise<number> {
  const refused = await tellAll(work).then(
    (isToldAll) => (isToldAll ? null : 'more'),
    (error: unknown) => {
      if (error instanceof CrmFailure && error.kind === 'refused') return error;
      throw error;
    },
  );
  if (refused === 'more') return 0;
  const waitMs = await pullWhenDue(work);
  if (refused !== null && waitMs > mergeWaitMs) throw refused;
  return waitMs;
}

async function pullWhenDue(work: Work): Promise<number> {
  const { context, connector, ref } = work;
  const dueInMs = connector.pullDueAt.getTime() - context.now();
  if (dueInMs > 0) return dueInMs;
  const taken = await takeAll(work);
  if (taken !== 'all') return taken === 'waits' ? mergeWaitMs : 0;
  const { pullEverySeconds } = context.connectorHabits(connector);
  await notePulled(context.db, ref, pullEverySeconds);
  return pullEverySeconds * 1_000;
}

/** Whether the CRM knows all now. */
async function tellAll({ context, run, connector, ref, directory, done, endsAt }: Work): Promise<boolean> {
  if (!connector.pushes) return true;
  while (performance.now() < endsAt) {
    run.signal.throwIfAborted();
    const { news, told } = await nextNews(context.db, { ...ref, limit: newsPerStep });
    if (told.length === 0) return true;
    if (news.length > 0) await directory.push(news);
    await forgetTold(context.db, { ...ref, told });
    done.told += news.length;
    run.heartbeat();
  }
  return false;
}

/** A page that has to wait for a merge, or for links of a person, is asked for again so much later. */
const mergeWaitMs = 5_000;

/** Whether all that changed at the CRM is here now. `more` also where settings were changed meanwhile: the next turn has the new ones. */
async function takeAll(work: Work): Promise<'all' | 'more' | 'waits'> {
  const { context, run, connector, ref, directory, done, endsAt } = work;
  let cursor = connector.pullCursor;
  while (performance.now() < endsAt) {
    run.signal.throwIfAborted();
    const page = await directory.changes(cursor);
    const { mergeUndoMs } = context.limits;
    const taken = await takeOver(context.db, ref, { before: cursor, page, mergeUndoMs });
    if (taken.kind === 'overtaken') return 'more';
    if (taken.kind === 'waits') return 'waits';
    for (const operationId of taken.rematches)
      await context.engine.startRematch({ tenantId: ref.tenantId, operationId });
    for (const operationId of taken.merges) await context.engine.startMerge({ tenantId: ref.tenantId, operationId });
    done.taken += page.changes.length;
    run.heartbeat();
    if (!page.more) return 'all';
    cursor = page.cursor;
  }
  return 'more';
}

/** What a person must look at is tried again all the same, but seldom: they may have mended it at the CRM. */
const leastWaitMs = { unreachable: 0, busy: 0, credentials: 900_000, refused: 300_000 } as const;

async function noteFailure(
  context: ActivityContext,
  { connector, ref, error }: { connector: StoredConnector; ref: ConnectorRef; error: CrmFailure },
): Promise<number> {
  const { kind, code, status, operation, retryAfterMs } = error;
  const backoff = backoffMs(connector.failedTries + 1, Math.random(), context.limits.connectorRetryCapMs);
  const waitMs = retryAfterMs ?? Math.max(backoff, leastWaitMs[kind]);
  await noteConnectorFailure(context.db, ref, { error: { kind, code, status, operation }, waitMs });
  return waitMs;
}
