import type { z } from 'zod';

import type { BulkLine } from '../../db/records-bulk';
import { Problem, type FieldProblem } from '../problem';
import { validatorCompiler } from '../validation';
import type { NdjsonLine } from './ndjson';
import { bulkLineSchema } from './schemas';

/** Bytes of one line; a record with all its addresses is far below. */
export const maxLineBytes = 1_048_576;

const validate = validatorCompiler({
  schema: bulkLineSchema,
  method: 'POST',
  url: '/v1/records/bulk',
  httpPart: 'body',
});

/** A line of an upload as it was read. */
export type ReadLine = { kind: 'good'; line: BulkLine } | { kind: 'refused'; line: number; errors: FieldProblem[] };

/** A record that a line asks for, or all that is wrong with it. */
export function readLine(line: NdjsonLine): ReadLine {
  if (line.kind === 'unreadable') return { kind: 'refused', line: line.line, errors: [unreadableLine(line.reason)] };
  const checked: unknown = validate(line.value);
  const { value, error } = checked as { value?: z.output<typeof bulkLineSchema>; error?: unknown };
  if (value === undefined) {
    return { kind: 'refused', line: line.line, errors: error instanceof Problem ? (error.extension.errors ?? []) : [] };
  }
  const { type, externalId, companyExternalId, intermediaryExternalId, ...values } = value;
  return {
    kind: 'good',
    line: { line: line.line, type, externalId, companyExternalId, intermediaryExternalId, values },
  };
}

function unreadableLine(reason: Extract<NdjsonLine, { kind: 'unreadable' }>['reason']): FieldProblem {
  const words = {
    'not-json': { reason: 'is not JSON.', remedy: 'One JSON object per line, without line breaks in it.' },
    'not-utf8': { reason: 'is not in UTF-8.', remedy: 'Send the file in UTF-8.' },
    'too-long': { reason: 'is too long.', remedy: `At most ${String(maxLineBytes)} bytes.` },
  };
  return { in: 'body', field: 'line', ...words[reason] };
}
