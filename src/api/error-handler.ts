import type { FastifyReply, FastifyRequest } from 'fastify';

import { DatabaseUnavailable } from '../db/database-error';
import type { Api, ApiContext } from './context';
import { Problem, problemText } from './problem';
import { bodyTooLarge, internalError, malformedBody, unavailable, unsupportedMediaType } from './problems';
import { EngineUnavailable } from './temporal-gateway';

/** The one place that turns what was thrown into an answer. */
export function answerProblems(api: Api, { log }: ApiContext): void {
  api.setErrorHandler((error, request, reply) => {
    const problem = problemOf(error, request.routeOptions.bodyLimit);
    if (problem.about.status === 500)
      log.error({ requestId: request.id, route: request.routeOptions.url, ...traceOf(error) }, 'request failed');
    return sendProblem(problem, request, reply);
  });
}

/** Writes a problem as the answer. */
function sendProblem(problem: Problem, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const retryAfter = problem.extension.retryAfterSeconds;
  if (retryAfter !== undefined) void reply.header('retry-after', String(retryAfter));
  if (problem.about.status === 401) void reply.header('www-authenticate', 'Bearer');
  // As bytes: to text of a JSON type Fastify adds a charset, which problem+json does not have (RFC 9457 6.1).
  const body = Buffer.from(problemText(problem, request.id));
  return reply.code(problem.about.status).type('application/problem+json').send(body);
}

function problemOf(error: unknown, maxBodyBytes: number): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof DatabaseUnavailable) return unavailable('The database');
  if (error instanceof EngineUnavailable) return unavailable('The workflow engine');
  const code = textOf(error, 'code');
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') return bodyTooLarge(maxBodyBytes);
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') return unsupportedMediaType();
  if (code === 'FST_ERR_CTP_INVALID_CONTENT_LENGTH' || error instanceof SyntaxError) return malformedBody();
  return internalError();
}

/** Where it broke. Messages stay out: a database's or a parser's may quote what was sent. */
function traceOf(error: unknown): { error: string; code: string | null; at: string[] } {
  const stack = textOf(error, 'stack') ?? '';
  const at = stack
    .split('\n')
    .filter((line) => /^ {4}at /.test(line))
    .slice(0, 8)
    .map((line) => line.trim());
  return { error: error instanceof Error ? error.name : typeof error, code: textOf(error, 'code'), at };
}

function textOf(error: unknown, name: 'code' | 'stack'): string | null {
  if (typeof error !== 'object' || error === null) return null;
  const value: unknown = Reflect.get(error, name);
  return typeof value === 'string' ? value : null;
}
