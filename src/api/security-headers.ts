import type { Api } from './context';

/** Answers are not to be guessed at, framed, cached or carried on. /docs sets its own content policy. */
export function sendSecurityHeaders(api: Api): void {
  api.addHook('onSend', async (request, reply) => {
    void reply.header('x-content-type-options', 'nosniff');
    void reply.header('referrer-policy', 'no-referrer');
    void reply.header('x-frame-options', 'DENY');
    void reply.header('letterbook-request-id', request.id);
    if (!reply.hasHeader('cache-control')) void reply.header('cache-control', 'no-store');
    if (!reply.hasHeader('content-security-policy')) {
      void reply.header('content-security-policy', "default-src 'none'; frame-ancestors 'none'; sandbox");
    }
    return Promise.resolve();
  });
}
