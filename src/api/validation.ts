import type { FastifySchemaCompiler } from 'fastify';
import type { z } from 'zod';

import type { FieldProblem } from './problem';
import { invalidRequest, notFound } from './problems';
import { wordsOf } from './validation-words';

type Part = FieldProblem['in'];

const parts: Record<string, Part> = { body: 'body', querystring: 'query', headers: 'header' };

/**
 * Checks one part of a request against its zod schema. Every refused field is named.
 * An id in the path that cannot be an id is a thing that does not exist: 404.
 */
export const validatorCompiler: FastifySchemaCompiler<z.ZodType> = ({ schema, httpPart }) => {
  if (httpPart === 'params') return (data) => pathResult(schema, data);
  const part = parts[httpPart ?? 'body'] ?? 'body';
  return (data) => {
    const unsafe = unsafeText(data);
    if (unsafe.length > 0) return { error: invalidRequest(unsafe.map((field) => unsafeTextProblem(part, field))) };
    const result = schema.safeParse(data ?? undefined);
    return result.success ? { value: result.data } : { error: invalidRequest(fieldProblems(result.error, data, part)) };
  };
};

function pathResult(schema: z.ZodType, data: unknown) {
  const result = schema.safeParse(data);
  return result.success && unsafeText(data).length === 0 ? { value: result.data } : { error: notFound() };
}

/** All that zod found, in the words of the API. `data` is what was checked; `part` is where it came from. */
function fieldProblems(error: z.ZodError, data: unknown, part: Part): FieldProblem[] {
  return error.issues.flatMap((issue) =>
    wordsOf(issue, data).map(({ path, reason, remedy }) => ({
      in: part,
      field: fieldName(path, part),
      reason,
      remedy,
    })),
  );
}

/** `['addresses', 0, 'kind']` is `addresses[0].kind`; the whole is `body` or `query`. */
function fieldName(path: readonly PropertyKey[], part: Part): string {
  let name = '';
  for (const step of path) {
    if (typeof step === 'number') name += `[${String(step)}]`;
    else name += name === '' ? String(step) : `.${String(step)}`;
  }
  return name === '' ? part : name.slice(0, 200);
}

// Postgres has no NUL in text, and no half of a surrogate pair in jsonb.
const unstorable = /\0|\p{Surrogate}/u;

/** Names of the fields whose text (or whose own name) cannot be stored. Iterative: a body may be nested a million deep. */
function unsafeText(data: unknown): string[] {
  const found: string[] = [];
  const open: { value: unknown; path: PropertyKey[] }[] = [{ value: data, path: [] }];
  for (let next = open.pop(); next !== undefined && found.length < 20; next = open.pop()) {
    const { value, path } = next;
    if (typeof value === 'string' && unstorable.test(value)) found.push(fieldName(path, 'body'));
    if (typeof value !== 'object' || value === null) continue;
    for (const [key, child] of Object.entries(value)) {
      if (unstorable.test(key)) found.push(fieldName(path, 'body'));
      // Deeper than any schema of ours: the path is only for the name, so it stops growing.
      else
        open.push({
          value: child,
          path: path.length < 10 ? [...path, Array.isArray(value) ? Number(key) : key] : path,
        });
    }
  }
  return found;
}

function unsafeTextProblem(part: Part, field: string): FieldProblem {
  return {
    in: part,
    field,
    reason: 'has a NUL or half a character in it.',
    remedy: 'Remove it.',
  };
}
