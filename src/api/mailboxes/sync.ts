import type { Database } from '../../db/database';
import { findMailbox, type Mailbox } from '../../db/mailboxes';
import { findOperation, finishOperation, insertOperation, type Operation } from '../../db/operations';
import type { SyncNowAnswer } from '../../workflows/contract';
import type { ApiContext } from '../context';
import { refuseWhileDeleting } from '../deletions/refusals';
import type { Problem } from '../problem';
import { conflict, notFound } from '../problems';
import type { Viewer } from '../viewer';
import { within } from '../within';
import { readerOf } from './people';

/** What a `sync` came to: its operation, ended or still running. */
export interface SyncOutcome {
  kind: 'finished' | 'still-running';
  operation: Operation;
}

type IdleState = Extract<SyncNowAnswer, { kind: 'not-running' }>['state'];

/**
 * Asks for a round now and waits for its end, for limits.syncAnswerMs.
 * @throws Problem 404, or 409 where the mailbox is paused, stopped or waits for a password
 * @throws EngineUnavailable
 */
export async function syncMailbox(context: ApiContext, viewer: Viewer, mailboxId: string): Promise<SyncOutcome> {
  const { db, temporal, limits } = context;
  const { tenantId } = viewer;
  const { mailbox, operation } = await askedSync(db, viewer, mailboxId);
  const { desired, provider, epoch, generation } = mailbox;
  const toRun = { tenantId, mailboxId, fence: { epoch, generation }, desired, provider };
  const round = temporal.syncNow(toRun, operation.id);
  const ended = endWith(context, { tenantId, operation, round });
  const waited = await within(ended, limits.syncAnswerMs);
  return waited.kind === 'answered'
    ? { kind: 'finished', operation: waited.answer }
    : { kind: 'still-running', operation };
}

function askedSync(
  db: Database,
  viewer: Viewer,
  mailboxId: string,
): Promise<{ mailbox: Mailbox; operation: Operation }> {
  const { tenantId } = viewer;
  return db.inTenant(tenantId, async (sql) => {
    const mailbox = await findMailbox(sql, readerOf(viewer), mailboxId);
    if (mailbox === null) throw notFound();
    refuseWhileDeleting(mailbox);
    if (mailbox.desired !== 'running') throw notRunning(mailbox.desired);
    if (mailbox.state === 'auth-required') throw notRunning('auth-required');
    const wish = { kind: 'sync', sourceId: mailboxId, generation: mailbox.generation };
    return { mailbox, operation: await insertOperation(sql, tenantId, wish) };
  });
}

/**
 * How the operation ended. A round ends the operations that it answers, so that they end although this process may not live to see it;
 * what is ended here is what no round took up.
 */
async function endWith(
  { db, log }: ApiContext,
  { tenantId, operation, round }: { tenantId: string; operation: Operation; round: Promise<SyncNowAnswer> },
): Promise<Operation> {
  const { id } = operation;
  const end = async (state: 'done' | 'failed', { result, error }: { result?: object; error?: object }) => {
    const ended = await db.inTenant(tenantId, (sql) => finishOperation(sql, tenantId, { id, state, result, error }));
    return ended ?? (await findOperation(db, { tenantId, userId: null }, id)) ?? operation;
  };
  const answer = await round.catch(async (error: unknown) => {
    await end('failed', { error: { code: 'engine-unavailable' } });
    log.warn({ operationId: id }, 'sync could not be asked for');
    throw error;
  });
  switch (answer.kind) {
    case 'done': {
      const { recorded, filtered, parked } = answer;
      return end('done', { result: { recorded, filtered, parked } });
    }
    case 'failed':
      return end('failed', { error: { code: answer.failure } });
    case 'not-running':
      await end('failed', { error: { code: answer.state } });
      throw notRunning(answer.state);
  }
}

function notRunning(state: IdleState): Problem {
  const sentences: Record<IdleState, string> = {
    paused: 'The mailbox is paused. POST .../resume goes on.',
    stopped: 'The mailbox is stopped. POST .../start starts it again.',
    'auth-required': 'The server refused the password. Give the right one with PATCH /v1/mailboxes/{id}.',
  };
  return conflict(`mailbox-${state}`, sentences[state]);
}
