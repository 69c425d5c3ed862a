import { z } from 'zod';

import type { Api, ApiContext } from '../context';
import { idInPath } from '../fields';
import { languageFor } from '../language';
import { knownMessage } from './detail';
import { answerOrMoved, joinedMessageSchema } from './moved';
import { presentLink } from './presenter';
import { linkSchema } from './schemas';

/** GET /v1/messages/{id}/links: where a message belongs, and why. */
export function messageLinksRoute(api: Api, context: ApiContext): void {
  api.get(
    '/v1/messages/:id/links',
    {
      schema: {
        tags: ['messages'],
        summary: 'Why a message is linked to its records',
        description:
          'Each link with all its reasons, in the language of Accept-Language: by which address in which header, by which rule, in which version of ' +
          'the record, or who did it. Links that a person took away are `suppressed`. Records that this key may not see are left out, ' +
          'and what only Bcc or a delivery header says is told to those alone who hold such a copy.',
        params: idInPath('message'),
        response: { 200: z.object({ items: z.array(linkSchema) }), 301: joinedMessageSchema },
      },
    },
    async (request, reply) => {
      const messageId = request.params.id;
      const answer = () => knownMessage(context, request.viewer, messageId);
      const found = await answerOrMoved(context, request, { messageId, reply, answer });
      if (found.kind === 'moved') return reply.code(301).send(found.body);
      const language = languageFor(request, reply);
      return reply.send({ items: found.answer.links.map((link) => presentLink(link, language)) });
    },
  );
}
