import type { FastifyRequest } from 'fastify';

import { preconditionFailed } from './problems';

/** The ETag of a thing that was last changed at that moment. */
export function etagOf(changedAt: Date): string {
  return `"${changedAt.getTime().toString(36)}"`;
}

/**
 * Holds a change back that was made on an older state (RFC 9110 13.1.1). Without If-Match everything goes.
 * @throws Problem 412
 */
export function requireMatch(request: FastifyRequest, etag: string): void {
  const header = request.headers['if-match'];
  if (header === undefined || header.trim() === '*') return;
  const wanted = header.split(',').map((tag) => tag.trim());
  if (!wanted.includes(etag)) throw preconditionFailed();
}
