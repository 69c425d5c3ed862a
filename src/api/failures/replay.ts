import { z } from 'zod';

import { insertAudit } from '../../db/mailbox-write';
import {
  anyFailure,
  insertFetch,
  insertReplay,
  type ReplayFilter,
  type ReplayTask,
} from '../../db/replay/replay-select';
import { publicId } from '../../domain/ids';
import { refuseWhileDeleting } from '../deletions/refusals';
import { findMailbox } from '../../db/mailboxes';
import type { Api, ApiContext } from '../context';
import { idField, idInPath, instant } from '../fields';
import { startedJob } from '../held-jobs';
import { readerOf, requireManager } from '../mailboxes/people';
import { knownMessage } from '../messages/detail';
import { operationSchema } from '../operations';
import { conflict, invalidField, notFound } from '../problems';
import { actorOf, type Viewer } from '../viewer';
import { knownFailure } from './accept';
import { failureKinds } from './schemas';

const tags = ['failures'];
const maxIds = 1_000;
/** Of Postgres' `integer`. */
const maxInteger = 2_147_483_647;
const dryRun = z.boolean().default(false).describe('Says for each what would happen, and writes nothing');

const filterSchema = z
  .strictObject({
    ids: z.array(idField('failure', 'fai_0192f0c1...')).min(1).max(maxIds),
    mailboxId: idField('mailbox', 'mbx_0192f0c1...'),
    kind: z.enum(failureKinds),
    since: instant.describe('First failed at this time or later'),
    until: instant.describe('First failed before this time'),
    senderDomain: z
      .string()
      .trim()
      .min(1)
      .max(253)
      .describe('Of the From or Sender header, or a domain above it; read when a message has its turn'),
    parserVersion: z.int().min(0).max(maxInteger).describe('Of the parser that tried it last'),
    text: z.string().min(1).max(200).describe('Stands in the code or detail of the error'),
  })
  .partial();

const description =
  'A job: `GET /v1/operations/{id}` says how far it is, `/report` what became of each message, `/pause`, `/resume` and `/cancel` hold it. ' +
  'Messages are read from their stored bytes, without the server; of which there are none, the server is asked again. A message that was ' +
  'read meanwhile is left as it is. Without `ids` only failures that are `parked` are meant.';

/** /v1/failures/replay, and the fetching of what was left out: messages are read again. */
export function replayRoutes(api: Api, context: ApiContext): void {
  replaysOfFailures(api, context);
  fetchingOfWhole(api, context);
}

function replaysOfFailures(api: Api, context: ApiContext): void {
  api.post(
    '/v1/failures/replay',
    {
      config: { creates: { withhold: [] } },
      schema: {
        tags,
        summary: 'Replay all failures that match',
        description,
        body: z.strictObject({ filter: filterSchema, dryRun }),
        response: { 202: operationSchema },
      },
    },
    async ({ viewer, body }, reply) => {
      const filter = filterOf(body.filter);
      if (filter.since !== null && filter.until !== null && filter.since >= filter.until) throw emptySpan();
      if (filter.mailboxId !== null) await requireChangeable(context, viewer, filter.mailboxId);
      return reply.code(202).send(await beginReplay(context, viewer, { filter, dryRun: body.dryRun }));
    },
  );

  api.post(
    '/v1/failures/:id/replay',
    {
      config: { creates: { withhold: [] } },
      schema: {
        tags,
        summary: 'Replay one failure',
        description,
        params: idInPath('failure'),
        body: z.strictObject({ dryRun }).nullish(),
        response: { 202: operationSchema },
      },
    },
    async ({ viewer, params: { id }, body }, reply) => {
      const { sourceId } = await context.db.inTenant(viewer.tenantId, (sql) => knownFailure(sql, viewer, id));
      await requireChangeable(context, viewer, sourceId);
      const filter = { ...anyFailure, ids: [id], mailboxId: sourceId };
      return reply.code(202).send(await beginReplay(context, viewer, { filter, dryRun: body?.dryRun ?? false }));
    },
  );
}

function fetchingOfWhole(api: Api, context: ApiContext): void {
  api.post(
    '/v1/messages/:id/fetch',
    {
      config: { creates: { withhold: [] } },
      schema: {
        tags: ['messages'],
        summary: 'Fetch the whole of a message of which only the header was fetched',
        params: idInPath('message'),
        body: z.strictObject({}).nullish(),
        response: { 202: operationSchema },
      },
    },
    async ({ viewer, params: { id } }, reply) => {
      await knownMessage(context, viewer, id);
      const task = taskOf(viewer, { dryRun: false, senderDomain: null });
      const operationId = await context.db.inTenant(viewer.tenantId, (sql) =>
        insertFetch(sql, readerOf(viewer), { messageId: id, task }),
      );
      if (operationId === null) throw nothingToFetch();
      return reply.code(202).send(await startedJob(context, viewer, { kind: 'replay', operationId }));
    },
  );
}

function filterOf(filter: z.output<typeof filterSchema>): ReplayFilter {
  const { since, until, ...rest } = filter;
  const given = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined));
  return { ...anyFailure, ...given, since: since ?? null, until: until ?? null };
}

/** @throws Problem 404, 403, or 409 where the mailbox is being deleted */
async function requireChangeable({ db }: ApiContext, viewer: Viewer, mailboxId: string): Promise<void> {
  const mailbox = await db.inTenant(viewer.tenantId, (sql) => findMailbox(sql, readerOf(viewer), mailboxId));
  if (mailbox === null) throw notFound();
  requireManager(viewer, mailbox);
  refuseWhileDeleting(mailbox);
}

async function beginReplay(context: ApiContext, viewer: Viewer, wish: { filter: ReplayFilter; dryRun: boolean }) {
  const { filter, dryRun: isDry } = wish;
  const task = taskOf(viewer, { dryRun: isDry, senderDomain: filter.senderDomain });
  const operationId = await context.db.inTenant(viewer.tenantId, async (sql) => {
    const id = await insertReplay(sql, readerOf(viewer), { filter, task });
    const ids = { operationId: publicId('operation', id) };
    if (!isDry) await insertAudit(sql, viewer.tenantId, { actor: task.actor, action: 'failures replay', ids });
    return id;
  });
  return startedJob(context, viewer, { kind: 'replay', operationId });
}

function taskOf(viewer: Viewer, of: { dryRun: boolean; senderDomain: string | null }): ReplayTask {
  return { mode: of.dryRun ? 'dry-run' : 'for-good', senderDomain: of.senderDomain, actor: actorOf(viewer) };
}

function emptySpan() {
  return invalidField('filter.until', 'is not after `since`.', 'Give a later time.');
}

function nothingToFetch() {
  return conflict(
    'nothing-to-fetch',
    'No mailbox that you may change holds this message by its header alone and still has it on its server.',
  );
}
