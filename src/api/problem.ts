import { z } from 'zod';

import type { ServerAddress } from '../domain/provider-presets';

/** One field that was refused. `field` is written like `imap.port` or `addresses[0].kind`. */
export interface FieldProblem {
  in: 'body' | 'query' | 'header';
  field: string;
  reason: string;
  remedy: string;
}

/** A server that was found and that nobody has confirmed. */
export interface ServerSuggestion {
  provider: string;
  imap: ServerAddress;
  smtp: ServerAddress | null;
  source: 'mx' | 'srv' | 'guess';
}

/** What a problem may carry beside the members of RFC 9457. */
export interface ProblemExtension {
  errors?: FieldProblem[];
  code?: string;
  values?: string[];
  mailboxId?: string;
  deletionId?: string;
  suggestion?: ServerSuggestion;
  removals?: { asked: number; askedAt: string };
  underWay?: { operationId: string; kind: string; actor: string; since: string };
  retryAfterSeconds?: number;
}

/** An answer that is not the one asked for (RFC 9457). Thrown by handlers, written by the one error handler. */
export class Problem extends Error {
  override readonly name = 'Problem';

  constructor(
    readonly about: { status: number; slug: string; title: string; detail: string },
    readonly extension: ProblemExtension = {},
  ) {
    super(about.detail);
  }
}

const suggestedServer = z.object({ host: z.string(), port: z.int(), security: z.enum(['tls', 'starttls']) });

/** The body of every answer with a status of 400 or more. */
export const problemSchema = z.object({
  type: z.string().describe('Stable name of the kind of problem, e.g. /problems/not-found'),
  title: z.string(),
  status: z.number().int(),
  detail: z.string().describe('What happened and what to do, for a person'),
  requestId: z.string().describe('Finds the request in the logs'),
  errors: z
    .array(
      z.object({
        in: z.enum(['body', 'query', 'header']),
        field: z.string(),
        reason: z.string(),
        remedy: z.string(),
      }),
    )
    .optional()
    .describe('Every field that was refused'),
  code: z.string().optional().describe('Why a connection could not be made'),
  values: z.array(z.string()).optional().describe('The values that are not available'),
  mailboxId: z.string().optional().describe('The mailbox that stands in the way'),
  deletionId: z.string().optional().describe('The deletion that the mailbox waits for or is in'),
  removals: z
    .object({ asked: z.int(), askedAt: z.string() })
    .optional()
    .describe('The removals that wait for a person now'),
  underWay: z
    .object({ operationId: z.string(), kind: z.string(), actor: z.string(), since: z.string() })
    .optional()
    .describe('The operation that must end first, whose it is, and since when it is there'),
  suggestion: z
    .object({
      provider: z.string(),
      imap: suggestedServer,
      smtp: suggestedServer.nullable(),
      source: z.enum(['mx', 'srv', 'guess']),
    })
    .optional()
    .describe('A server that was found; it gets no password before the request comes again with this `imap`'),
});

/** The JSON text of a problem; `requestId` finds it in the logs. */
export function problemText(problem: Problem, requestId: string): string {
  const { status, slug, title, detail } = problem.about;
  const { errors, code, values, mailboxId, deletionId, removals, underWay, suggestion } = problem.extension;
  return JSON.stringify({
    type: `/problems/${slug}`,
    title,
    status,
    detail,
    requestId,
    errors,
    code,
    values,
    mailboxId,
    deletionId,
    removals,
    underWay,
    suggestion,
  });
}
