import type { FastifyReply, FastifyRequest } from 'fastify';

import { acceptedLanguage, type Language } from '../domain/languages';

/** The language that a caller wants sentences in; the answer says that it depends on it (RFC 9110 12.5.5). */
export function languageFor(
  request: Pick<FastifyRequest, 'headers'>,
  reply: Pick<FastifyReply, 'getHeader' | 'header'>,
): Language {
  const vary = reply.getHeader('vary');
  void reply.header('vary', vary === undefined ? 'accept-language' : `${String(vary)}, accept-language`);
  return acceptedLanguage(request.headers['accept-language']);
}
