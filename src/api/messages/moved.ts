import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';

import type { Sql } from '../../db/database';
import { joinedInto } from '../../db/header-only/joined-message';
import { publicId } from '../../domain/ids';
import type { ApiContext } from '../context';
import { Problem } from '../problem';
import { conflict, notFound } from '../problems';
import type { Viewer } from '../viewer';

/** What a message that was joined with another is answered with. */
export const joinedMessageSchema = z.object({
  id: z.string().describe('The message that was asked for, which was known by its header alone'),
  joinedInto: z.string().describe('The message that it turned out to be'),
});

/**
 * What is asked of a message; where that was joined with another, where the same is of the other: the status and the header of the reply are set then.
 * @throws Problem as `answer` does
 */
export async function answerOrMoved<Answer>(
  { db }: ApiContext,
  { viewer, url }: FastifyRequest,
  wanted: { messageId: string; reply: FastifyReply; answer: () => Promise<Answer> },
): Promise<{ kind: 'found'; answer: Answer } | { kind: 'moved'; body: z.output<typeof joinedMessageSchema> }> {
  const { messageId, reply, answer } = wanted;
  try {
    return { kind: 'found', answer: await answer() };
  } catch (error) {
    if (!(error instanceof Problem) || error.about.status !== 404) throw error;
    const found = await db.inTenant(viewer.tenantId, (sql) => joinedInto(sql, viewer, messageId));
    if (found === null) throw error;
    const into = publicId('message', found);
    void reply.code(301).header('location', url.replace(/^(\/v1\/messages\/)[^/?]+/, `$1${into}`));
    return { kind: 'moved', body: { id: publicId('message', messageId), joinedInto: into } };
  }
}

/** What a change of a message that is not there is answered with: 409 where it was joined with another, else 404. */
export async function goneMessage(sql: Sql, viewer: Viewer, messageId: string): Promise<Problem> {
  const into = await joinedInto(sql, viewer, messageId);
  if (into === null) return notFound();
  return conflict('message-joined', `The message is ${publicId('message', into)} now. Change that one.`);
}
