import type { Readable } from 'node:stream';

import type { FastifyReply } from 'fastify';

/**
 * Sends bytes that somebody else wrote: always as a file to keep, never as something that a browser shows or runs. `filename` is shown
 * as given where it is plain, and encoded besides (RFC 6266, RFC 8187).
 */
export function sendAsDownload(
  reply: FastifyReply,
  file: { content: Readable | Buffer; size: number | null; type: string; filename: string },
): FastifyReply {
  const plain = file.filename.replace(/[^\w .()-]/g, '_').slice(0, 200);
  const encoded = encodeURIComponent(file.filename.slice(0, 200)).replace(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  void reply.header('content-disposition', `attachment; filename="${plain}"; filename*=UTF-8''${encoded}`);
  if (file.size !== null) void reply.header('content-length', String(file.size));
  return reply.type(file.type).send(file.content);
}
