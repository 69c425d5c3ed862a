import { z } from 'zod';

import { findMail, type FoundFailure, type FoundMessage, type FoundPlacement } from '../db/find';
import { publicId } from '../domain/ids';
import { outcomeName, presenceName } from '../domain/ledger';
import { messageIdOf } from '../domain/references';
import type { Api, ApiContext } from './context';
import { time, timeOrNull } from './fields';
import { presentCopy } from './messages/presenter';
import { copySchema } from './messages/schemas';

const answerSchema = z.object({
  messageIdHeader: z.string().describe('With its angle brackets, as it was looked for'),
  found: z.boolean(),
  messages: z.array(
    z.object({
      id: z.string(),
      messageId: z.string().describe('The same'),
      threadId: z.string(),
      sortAt: time,
      subject: z.string().nullable(),
      recordIds: z.array(z.string()).describe('Records at which it can be seen'),
      copies: z.array(copySchema).describe('Where it is: those copies that this key holds, with their placements'),
    }),
  ),
  placements: z
    .array(
      z.object({
        mailboxId: z.string(),
        folder: z.string(),
        uidValidity: z.string(),
        uid: z.int(),
        outcome: z.string(),
        reason: z.string().nullable(),
        presence: z.string(),
        internalDate: time.nullable(),
        recordedAt: time,
      }),
    )
    .describe('Ledger rows without a message: `filtered` after the header was read, and `parked`'),
  failures: z
    .array(
      z.object({
        id: z.string(),
        mailboxId: z.string(),
        folder: z.string(),
        uidValidity: z.string(),
        uid: z.int(),
        kind: z.string(),
        code: z.string(),
        state: z.string(),
        firstFailedAt: time,
        lastFailedAt: time,
      }),
    )
    .describe('Mail with this id that could not be read, with its bytes kept for a replay'),
});

const querystring = z.strictObject({
  messageIdHeader: z
    .string()
    .max(1_000)
    .transform((text, check) => {
      // An id has no spaces: one in it was a `+` that nobody encoded.
      const id = messageIdOf(text.trim().replaceAll(' ', '+'));
      if (id !== null) return id;
      check.addIssue({
        code: 'custom',
        message: 'has no Message-ID in it.',
        params: { remedy: 'Like <abc@mail.example>, with or without the angle brackets.' },
      });
      return z.NEVER;
    }),
});

/** /v1/find: where is my mail? */
export function findRoutes(api: Api, { db }: ApiContext): void {
  api.get(
    '/v1/find',
    {
      schema: {
        tags: ['messages'],
        summary: 'Where is my mail? By its Message-ID',
        description:
          'Looks through messages, copies, placements and failures of the mailboxes that this key holds. Mail that a policy left ' +
          'out before its header was fetched (`before-start`, `folder-role`) has no Message-ID here: ' +
          'GET /v1/mailboxes/{id}/ledger has its rows.',
        querystring,
        response: { 200: answerSchema },
      },
    },
    async ({ viewer, query: { messageIdHeader } }) => {
      const { messages, placements, failures } = await db.inTenant(viewer.tenantId, (sql) =>
        findMail(sql, viewer, messageIdHeader),
      );
      return {
        messageIdHeader,
        found: messages.length + placements.length + failures.length > 0,
        messages: messages.map(presentFound),
        placements: placements.map(presentPlacement),
        failures: failures.map(presentFailure),
      };
    },
  );
}

function presentFound(message: FoundMessage) {
  const id = publicId('message', message.id);
  return {
    id,
    messageId: id,
    threadId: publicId('thread', message.threadId),
    sortAt: message.sortAt.toISOString(),
    subject: message.subject,
    recordIds: message.recordIds.map((record) => publicId('record', record)),
    copies: message.copies.map(presentCopy),
  };
}

function presentPlacement({ sourceId, ...placement }: FoundPlacement) {
  return {
    ...placement,
    mailboxId: publicId('mailbox', sourceId),
    outcome: outcomeName(placement.outcome),
    presence: presenceName(placement.presence),
    internalDate: timeOrNull(placement.internalDate),
    recordedAt: placement.recordedAt.toISOString(),
  };
}

function presentFailure(failure: FoundFailure) {
  const { folder, uidValidity, uid, kind, code, state } = failure;
  return {
    id: publicId('failure', failure.id),
    mailboxId: publicId('mailbox', failure.sourceId),
    folder,
    uidValidity,
    uid,
    kind,
    code,
    state,
    firstFailedAt: failure.firstFailedAt.toISOString(),
    lastFailedAt: failure.lastFailedAt.toISOString(),
  };
}
