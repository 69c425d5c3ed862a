import type { z } from 'zod';

/** What is wrong with one field, and what to do. */
export interface Words {
  path: PropertyKey[];
  reason: string;
  remedy: string;
}

type Issue = z.core.$ZodIssue;

/** A zod issue in the words of the API; unknown fields are one each. `data` is the whole value that was checked. Never quotes a value. */
export function wordsOf(issue: Issue, data: unknown): Words[] {
  const path = [...issue.path];
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.slice(0, 20).map((key) => ({
      path: [...path, key],
      reason: 'is not a field of this call.',
      remedy: 'Leave it out; /docs has the fields.',
    }));
  }
  if (isMissing(issue, data)) return [{ path, reason: 'is missing.', remedy: missingRemedy(issue) }];
  return [{ path, ...reasonOf(issue) }];
}

function isMissing(issue: Issue, data: unknown): boolean {
  if (issue.code === 'custom') return false;
  let value = data;
  for (const step of issue.path) {
    if (typeof value !== 'object' || value === null) return true;
    value = (value as Record<PropertyKey, unknown>)[step];
  }
  return value === undefined || (value === null && issue.path.length === 0);
}

function missingRemedy(issue: Issue): string {
  if (issue.code === 'invalid_type') return `Give ${kindOf(issue.expected)}.`;
  if (issue.code === 'invalid_value') return `Give one of: ${issue.values.map(String).join(', ')}.`;
  return 'Give it; /docs says what it must be.';
}

function reasonOf(issue: Issue): { reason: string; remedy: string } {
  switch (issue.code) {
    case 'invalid_type':
      return { reason: `is not ${kindOf(issue.expected)}.`, remedy: `Give ${kindOf(issue.expected)}.` };
    case 'too_big':
      return {
        reason: `is too ${longOrBig(issue.origin)}.`,
        remedy: `At most ${String(issue.maximum)}${unitOf(issue.origin)}.`,
      };
    case 'too_small':
      return {
        reason: `is too ${shortOrSmall(issue.origin)}.`,
        remedy: `At least ${String(issue.minimum)}${unitOf(issue.origin)}.`,
      };
    case 'invalid_value':
      return {
        reason: 'is not one of the values there are.',
        remedy: `One of: ${issue.values.map(String).join(', ')}.`,
      };
    case 'custom':
      return { reason: issue.message, remedy: remedyParam(issue) };
    case 'invalid_format':
      return formatReasonOf(issue);
    case 'invalid_union':
      return { reason: 'is none of the forms there are.', remedy: formsRemedy(issue) };
    case 'not_multiple_of':
    case 'invalid_key':
    case 'invalid_element':
    case 'unrecognized_keys':
      return { reason: 'cannot be accepted.', remedy: '/docs says what it must be.' };
  }
}

/** Where one field says which form it is, its values are named. */
function formsRemedy(issue: z.core.$ZodIssueInvalidUnion): string {
  const values = 'options' in issue ? (issue.options ?? []) : [];
  return values.length === 0 ? 'Use one of the forms in /docs.' : `One of: ${values.map(String).join(', ')}.`;
}

function formatReasonOf({ format, message }: z.core.$ZodIssueInvalidStringFormat) {
  if (format === 'datetime') return { reason: 'is not a time.', remedy: 'Like 2026-03-02T09:30:00Z.' };
  return { reason: message, remedy: 'Write it as in the examples of /docs.' };
}

function remedyParam(issue: z.core.$ZodIssueCustom): string {
  const remedy: unknown = issue.params?.['remedy'];
  return typeof remedy === 'string' ? remedy : '/docs says what it must be.';
}

const kinds: Record<string, string> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  object: 'an object',
  array: 'a list',
  record: 'an object',
  null: 'null',
};

function kindOf(expected: string): string {
  return kinds[expected] ?? `a ${expected}`;
}

function longOrBig(origin: string): string {
  return origin === 'string' || origin === 'array' ? 'long' : 'big';
}

function shortOrSmall(origin: string): string {
  return origin === 'string' || origin === 'array' ? 'short' : 'small';
}

function unitOf(origin: string): string {
  if (origin === 'string') return ' characters';
  return origin === 'array' ? ' entries' : '';
}
