import type { preValidationHookHandler } from 'fastify';

import type { FieldProblem } from '../problem';
import { invalidRequest } from '../problems';

const pop3Ports = new Set([110, 995]);

/**
 * Says plainly that POP3 is not for this product, before the general check calls its fields unknown: 400 where a body asks for it
 * by name or by port.
 */
export const refusePop3: preValidationHookHandler = ({ body }, _reply, done) => {
  const fields = pop3Fields(body, '');
  if (fields.length === 0) done();
  else done(invalidRequest(fields.map(refused)));
};

function pop3Fields(value: unknown, prefix: string): string[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [];
  return Object.entries(value).flatMap(([name, entry]: [string, unknown]) => {
    const field = prefix + name;
    if (/^pop3?$/i.test(name)) return [field];
    if (['protocol', 'type', 'kind'].includes(name) && /^pop3?s?$/i.test(String(entry))) return [field];
    if (field === 'imap.port' && pop3Ports.has(Number(entry))) return [field];
    return prefix === '' && (name === 'imap' || name === 'auth') ? pop3Fields(entry, `${name}.`) : [];
  });
}

function refused(field: string): FieldProblem {
  return {
    in: 'body',
    field,
    reason:
      'POP3 is not supported: it shows one folder only, knows no flags, and cannot prove that nothing is missing.',
    remedy: 'Use IMAP, usually on port 993.',
  };
}
