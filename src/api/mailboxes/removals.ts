import { z } from 'zod';

import { insertAudit } from '../../db/mailbox-write';
import { findMailbox, lockMailbox } from '../../db/mailboxes';
import {
  answerRemovals,
  pendingRemovals,
  type PendingRemovals,
  type RemovalAnswer,
  type SeenQuestion,
} from '../../db/removals/answer';
import { publicId } from '../../domain/ids';
import type { Api, ApiContext } from '../context';
import { refuseWhileDeleting } from '../deletions/refusals';
import { idInPath, time, timeOrNull } from '../fields';
import { conflict, notFound, removalsChanged } from '../problems';
import { actorOf, type Viewer } from '../viewer';
import { readerOf, requireManager } from './people';
import { tellEngine } from './tell-engine';

const removalsSchema = z.object({
  asked: z.int().describe('Messages that wait for a person: so many at once look like a broken server'),
  askedAt: time.nullable().describe('When messages were last added to these'),
  askedOf: z.int().nullable().describe('Of how many messages in the mailbox'),
  waiting: z.int().describe('Messages that are gone on the server and wait for the end of their grace'),
  nextAt: time.nullable().describe('When the first of these is looked for once more, and removed'),
});

const answerSchema = z.strictObject({
  messages: z.int().min(1).describe('`asked` of the removals as they were shown: the answer is about just these'),
  askedAt: time.describe('`askedAt` of the same'),
});

const answeredSchema = z.object({ messages: z.int().describe('How many the answer was about') });

const answers: Record<RemovalAnswer, { path: string; summary: string }> = {
  confirm: {
    path: '/v1/mailboxes/:id/removals/confirm',
    summary: 'Yes, they were removed on purpose: remove them here too',
  },
  keep: { path: '/v1/mailboxes/:id/removals/keep', summary: 'No: keep all of them here' },
};

const tags = ['mailboxes'];
const params = idInPath('mailbox');

/** /v1/mailboxes/{id}/removals: what is gone on the server, and what a person says to very many of them at once. */
export function removalRoutes(api: Api, context: ApiContext): void {
  api.get(
    '/v1/mailboxes/:id/removals',
    { schema: { tags, summary: 'What waits to be removed', params, response: { 200: removalsSchema } } },
    async ({ viewer, params: { id } }) => presentRemovals(await waitingIn(context, viewer, id)),
  );

  for (const answer of Object.keys(answers) as RemovalAnswer[]) {
    const { path, summary } = answers[answer];
    api.post(
      path,
      { schema: { tags, summary, params, body: answerSchema, response: { 200: answeredSchema } } },
      async ({ viewer, params: { id }, body: { messages, askedAt } }) => {
        const seen = { messages, askedAt: new Date(askedAt) };
        return { messages: await giveAnswer(context, viewer, { mailboxId: id, answer, seen }) };
      },
    );
  }
}

function waitingIn({ db }: ApiContext, viewer: Viewer, mailboxId: string): Promise<PendingRemovals> {
  return db.inTenant(viewer.tenantId, async (sql) => {
    if ((await findMailbox(sql, readerOf(viewer), mailboxId)) === null) throw notFound();
    return pendingRemovals(sql, { tenantId: viewer.tenantId, sourceId: mailboxId });
  });
}

async function giveAnswer(
  context: ApiContext,
  viewer: Viewer,
  { mailboxId, ...given }: { mailboxId: string; answer: RemovalAnswer; seen: SeenQuestion },
): Promise<number> {
  const { tenantId } = viewer;
  const messages = await context.db.inTenant(tenantId, async (sql) => {
    const mailbox = await lockMailbox(sql, readerOf(viewer), mailboxId);
    if (mailbox === null) throw notFound();
    requireManager(viewer, mailbox);
    refuseWhileDeleting(mailbox);
    const answered = await answerRemovals(sql, { tenantId, sourceId: mailboxId }, given);
    if (answered.kind === 'nothing-asked') throw nothingAsked();
    if (answered.kind === 'changed') throw removalsChanged(answered.now.messages, answered.now.askedAt.toISOString());
    const ids = { mailboxId: publicId('mailbox', mailboxId) };
    await insertAudit(sql, tenantId, { actor: actorOf(viewer), action: `removals ${given.answer}`, ids });
    return answered.messages;
  });
  await tellEngine(context, mailboxId, () => context.temporal.poke({ tenantId, mailboxId }, 'person'));
  return messages;
}

function nothingAsked() {
  return conflict(
    'nothing-to-confirm',
    'No removals of this mailbox wait for an answer; or it has been given already.',
  );
}

function presentRemovals({ askedAt, nextAt, ...removals }: PendingRemovals): z.output<typeof removalsSchema> {
  return { ...removals, askedAt: timeOrNull(askedAt), nextAt: timeOrNull(nextAt) };
}
