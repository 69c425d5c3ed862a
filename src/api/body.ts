import { isUtf8 } from 'node:buffer';

import type { Api } from './context';
import { malformedBody } from './problems';

/** Bodies are JSON in UTF-8 and nothing else; an empty one is no body. Routes that take NDJSON add their own parser. */
export function acceptJsonOnly(api: Api): void {
  api.removeAllContentTypeParsers();
  const parse = api.getDefaultJsonParser('error', 'error');
  api.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    if (typeof body === 'string' || !isUtf8(body)) return done(malformedBody());
    if (body.length === 0) return done(null, undefined);
    return parse(request, body.toString('utf8'), (error, value) => {
      if (error === null) done(null, value);
      else done(malformedBody());
    });
  });
}
