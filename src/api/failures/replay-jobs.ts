import { Readable } from 'node:stream';

import { z } from 'zod';

import { insertAudit } from '../../db/mailbox-write';
import { findOperation } from '../../db/operations';
import {
  controlReplay,
  heldJob,
  replayReport,
  type ReplayControl,
  type ReportLine,
} from '../../db/replay/replay-control';
import { publicId, type IdKind } from '../../domain/ids';
import { replayOutcomes } from '../../domain/replay';
import type { Api, ApiContext } from '../context';
import { idInPath, noBody, time, timeOrNull } from '../fields';
import { startedJob } from '../held-jobs';
import { readerOf } from '../mailboxes/people';
import { operationSchema, presentOperation } from '../operations';
import { conflict, forbidden, notFound } from '../problems';
import { actorOf, type Viewer } from '../viewer';

const tags = ['operations'];
const params = idInPath('operation');
const ndjson = 'application/x-ndjson';

const reportLine = z.object({
  failureId: z.string().nullable(),
  mailboxId: z.string(),
  folder: z.string().nullable(),
  uidValidity: z.string().nullable(),
  uid: z.int(),
  outcome: z.enum(replayOutcomes).nullable().describe('What became of it, or would; null: not looked at yet'),
  reason: z.string().nullable(),
  messageId: z.string().nullable(),
  at: time.nullable(),
});

const summaries: Record<ReplayControl, string> = {
  pause: 'Hold a job; the messages under way come to their end',
  resume: 'Let a job go on that was held',
  cancel: 'Call a job off; what is done stays done',
};

/** /v1/operations/{id}: holding a job over messages, letting it go on, calling it off; and the report of a replay. */
export function replayJobRoutes(api: Api, context: ApiContext): void {
  const schemaOf = (control: ReplayControl) => {
    return { schema: { tags, summary: summaries[control], params, body: noBody, response: { 200: operationSchema } } };
  };
  api.post('/v1/operations/:id/pause', schemaOf('pause'), ({ viewer, params: { id } }) =>
    controlled(context, viewer, { id, control: 'pause' }),
  );
  api.post('/v1/operations/:id/resume', schemaOf('resume'), ({ viewer, params: { id } }) =>
    controlled(context, viewer, { id, control: 'resume' }),
  );
  api.post('/v1/operations/:id/cancel', schemaOf('cancel'), ({ viewer, params: { id } }) =>
    controlled(context, viewer, { id, control: 'cancel' }),
  );

  api.get(
    '/v1/operations/:id/report',
    {
      schema: {
        tags,
        summary: 'What became of each message, as lines',
        params,
        response: { 200: { description: 'One line a message', content: { [ndjson]: { schema: reportLine } } } },
      },
    },
    async ({ viewer, params: { id } }, reply) => {
      const { kind } = await knownJob(context, viewer, id);
      if (kind !== 'replay') throw notAReplay(kind);
      const lines = Readable.from(linesOf(replayReport(context.db, readerOf(viewer), id)));
      return reply.type(ndjson).send(lines as never);
    },
  );
}

async function controlled(
  context: ApiContext,
  viewer: Viewer,
  { id, control }: { id: string; control: ReplayControl },
) {
  const { db, now } = context;
  const { actor, kind } = await knownJob(context, viewer, id);
  const mayControl = viewer.userId === null || viewer.role === 'admin' || actor === actorOf(viewer);
  if (!mayControl) throw forbidden('Only who began a job, or an admin, can hold it.');
  const changed = await db.inTenant(viewer.tenantId, async (sql) => {
    const ids = { operationId: publicId('operation', id) };
    const isChanged = await controlReplay(sql, viewer.tenantId, { id, control });
    if (isChanged)
      await insertAudit(sql, viewer.tenantId, { actor: actorOf(viewer), action: `${kind} ${control}`, ids });
    return isChanged;
  });
  if (changed && control === 'resume') return startedJob(context, viewer, { kind, operationId: id });
  const { operation } = await knownJob(context, viewer, id);
  if (!changed && !statesAfter[control].includes(operation.state)) throw cannotNow(operation.state);
  return presentOperation(operation, now());
}

/** Asking twice for the same is no error. */
const statesAfter: Record<ReplayControl, string[]> = {
  pause: ['paused'],
  resume: ['waiting', 'running'],
  cancel: ['cancelled'],
};

async function knownJob({ db }: ApiContext, viewer: Viewer, id: string) {
  const operation = await findOperation(db, readerOf(viewer), id);
  if (operation === null) throw notFound();
  const job = await db.inTenant(viewer.tenantId, (sql) => heldJob(sql, viewer.tenantId, id));
  if (job === null) throw notAReplay(operation.kind);
  return { operation, ...job };
}

async function* linesOf(pages: AsyncGenerator<ReportLine[]>): AsyncGenerator<string> {
  for await (const page of pages) yield page.map((line) => `${JSON.stringify(presentLine(line))}\n`).join('');
}

function presentLine(line: ReportLine) {
  const idOrNull = (kind: IdKind, id: string | null) => (id === null ? null : publicId(kind, id));
  const { folder, uidValidity, uid, outcome, reason } = line;
  return {
    failureId: idOrNull('failure', line.failureId),
    mailboxId: publicId('mailbox', line.sourceId),
    folder,
    uidValidity,
    uid,
    outcome,
    reason,
    messageId: idOrNull('message', line.messageId),
    at: timeOrNull(line.doneAt),
  };
}

function notAReplay(kind: string) {
  return conflict(
    'not-a-replay',
    `Only a replay has a report, and besides it only a job that reads stored mail again can be held; this is one of the kind ${kind}.`,
  );
}

function cannotNow(state: string) {
  return conflict('operation-state', `The job is ${state}: that cannot be done to it now.`);
}
