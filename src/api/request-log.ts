import type { Api, ApiContext } from './context';

/** One line per request, with the route's pattern: an address or a query may be content. */
export function logRequests(api: Api, { log }: ApiContext): void {
  api.addHook('onResponse', (request, reply, done) => {
    log.info(
      {
        requestId: request.id,
        method: request.method,
        route: request.routeOptions.url ?? 'none',
        status: reply.statusCode,
        ms: Math.round(reply.elapsedTime),
      },
      'request answered',
    );
    done();
  });
}
