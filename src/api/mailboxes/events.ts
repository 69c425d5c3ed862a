import { z } from 'zod';

import { listEvents, type MailboxEvent } from '../../db/events/event-read';
import { findMailbox } from '../../db/mailboxes';
import { publicId } from '../../domain/ids';
import type { Language } from '../../domain/languages';
import { mailboxStates } from '../../domain/mailbox-state';
import { codeSentence, remedyFor, stateSentence } from '../../domain/state-sentences';
import type { Api, ApiContext } from '../context';
import { idInPath, time, timeOrNull } from '../fields';
import { languageFor } from '../language';
import { decodeCursor, pageFrom, pageOf, pageQuery } from '../paging';
import { notFound } from '../problems';
import { readerOf } from './people';

const eventSchema = z.object({
  id: z.string().describe('evt_...'),
  at: time,
  kind: z.enum(['state', 'flag', 'wish', 'policy', 'access', 'people']),
  from: z.string().nullable().describe('The state, or what was wished, before; the flag that went'),
  to: z.string().nullable().describe('The state, or what is wished, from then on; the flag that came'),
  reason: z.string().nullable().describe('Why, for a person'),
  reasonCode: z.string().nullable().describe('The same as a stable code'),
  remedy: z.string().nullable().describe('What a person could do'),
  until: time.nullable().describe('When it was to be tried again'),
  lastError: z.object({ kind: z.string(), code: z.string(), operation: z.string(), sentence: z.string() }).nullable(),
  actor: z.string().describe('`system`, or the user or key that did it'),
  times: z.int().describe('How many changes this stands for: older ones of a mailbox that goes to and fro are folded'),
  firstAt: time.describe('The first of them'),
});

const place = z.tuple([z.iso.datetime(), z.uuid()]);

/** /v1/mailboxes/{id}/events: since when a mailbox is as it is, and why. */
export function eventRoutes(api: Api, { db, limits }: ApiContext): void {
  api.get(
    '/v1/mailboxes/:id/events',
    {
      schema: {
        tags: ['mailboxes'],
        summary: 'What became of a mailbox, since when and why; newest first',
        params: idInPath('mailbox'),
        querystring: z.strictObject(pageQuery(limits.maxPageSize)),
        response: { 200: pageOf(eventSchema) },
      },
    },
    async (request, reply) => {
      const { viewer, params, query } = request;
      const { tenantId } = viewer;
      const language = languageFor(request, reply);
      const filter = { mailboxId: params.id };
      const after = decodeCursor(query.cursor, filter, place);
      const before = after === null ? null : { at: new Date(after[0]), id: after[1] };
      const rows = await db.inTenant(tenantId, async (sql) => {
        if ((await findMailbox(sql, readerOf(viewer), params.id)) === null) throw notFound();
        return listEvents(sql, { tenantId, sourceId: params.id }, { before, limit: query.limit + 1 });
      });
      const present = (event: MailboxEvent) => presentEvent(event, language);
      return pageFrom(rows, { limit: query.limit, filter, keyOf: ({ at, id }) => [at, id], present });
    },
  );
}

function presentEvent(event: MailboxEvent, language: Language): z.output<typeof eventSchema> {
  const { kind, from, to, reason: reasonCode, lastError, actor, times } = event;
  return {
    id: publicId('event', event.id),
    at: event.at.toISOString(),
    kind,
    from,
    to,
    ...wordsOf(event, language),
    reasonCode,
    until: timeOrNull(event.until),
    lastError: lastError === null ? null : { ...lastError, sentence: codeSentence(lastError.code, language) },
    actor,
    times,
    firstAt: event.firstAt.toISOString(),
  };
}

function wordsOf({ kind, to, reason }: MailboxEvent, language: Language) {
  const state = kind === 'state' ? mailboxStates.find((one) => one === to) : undefined;
  if (state === undefined) return { reason: null, remedy: null };
  return { reason: stateSentence(state, reason, language), remedy: remedyFor(state, reason, language) };
}
