import type { IncomingHttpHeaders } from 'node:http';

import { z } from 'zod';

import { confirmationNeeded, dryRunConfirmed } from './refusals';

/** What every deletion is asked with; `what` says what confirms it. */
export const confirmationFields = (what: string) => ({
  confirm: z.string().max(500).optional().describe(`${what}; or the header Letterbook-Confirm`),
  dryRun: z.enum(['true', 'false']).optional().describe('`true` counts only'),
});

/** What a caller said of a deletion. */
export type DeletionWish = { kind: 'count' } | { kind: 'delete'; confirmed: string };

/**
 * What the query and the header come to; `what` is named where nothing is confirmed.
 * @throws Problem 400 where nothing is confirmed, or a count is confirmed
 */
export function wishOf(
  query: { confirm?: string | undefined; dryRun?: 'true' | 'false' | undefined },
  headers: IncomingHttpHeaders,
  what: string,
): DeletionWish {
  const header = headers['letterbook-confirm'];
  const confirmed = query.confirm ?? (typeof header === 'string' ? header : undefined);
  if (query.dryRun === 'true') {
    if (confirmed !== undefined) throw dryRunConfirmed();
    return { kind: 'count' };
  }
  if (confirmed === undefined) throw confirmationNeeded(what);
  return { kind: 'delete', confirmed };
}
