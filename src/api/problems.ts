import type { ConnectCode } from '../domain/failure';
import { Problem, type FieldProblem, type ServerSuggestion } from './problem';

/** The catalogue: every problem that the API answers with. The slug is the stable part of `type`. */

/** 400: fields that cannot be accepted, all of them. */
export function invalidRequest(errors: FieldProblem[]): Problem {
  const detail = errors.map((error) => `${error.field}: ${error.reason} ${error.remedy}`).join(' ');
  return new Problem({ status: 400, slug: 'invalid-request', title: 'The request has errors', detail }, { errors });
}

/** 400: one field of the body, refused by a rule that needs more than its own value. */
export function invalidField(field: string, reason: string, remedy: string): Problem {
  return invalidRequest([{ in: 'body', field, reason, remedy }]);
}

/** 400: the body is not JSON, or not UTF-8. */
export function malformedBody(): Problem {
  return new Problem({
    status: 400,
    slug: 'malformed-body',
    title: 'The body cannot be read',
    detail: 'The body is not valid JSON in UTF-8. Check its brackets, quotes and encoding.',
  });
}

/** 401: no key, or one that does not open anything. */
export function unauthenticated(detail: string): Problem {
  return new Problem({ status: 401, slug: 'unauthenticated', title: 'An API key is needed', detail });
}

/** 403: the key is good, but not for this. */
export function forbidden(detail: string): Problem {
  return new Problem({ status: 403, slug: 'forbidden', title: 'Not allowed with this key', detail });
}

/** 404: no such thing, or it belongs to somebody else; the two cannot be told apart. */
export function notFound(): Problem {
  return new Problem({
    status: 404,
    slug: 'not-found',
    title: 'Not found',
    detail: 'There is nothing at this address that this key may see.',
  });
}

/** 409: what is asked for does not fit what is there. */
export function conflict(slug: string, detail: string): Problem {
  return new Problem({ status: 409, slug, title: 'In conflict with what is there', detail });
}

/** 409: the question is no longer the one that was answered. */
export function removalsChanged(asked: number, askedAt: string): Problem {
  const detail = `Messages were added or came back since you looked: ${String(asked)} wait for an answer now. Look at them again before you answer.`;
  return new Problem(
    { status: 409, slug: 'removals-changed', title: 'Changed in the meantime', detail },
    { removals: { asked, askedAt } },
  );
}

/** 409: the address is connected already. `mailboxId` is null where the viewer may not see that mailbox. */
export function mailboxExists(mailboxId: string | null): Problem {
  const type = { status: 409, slug: 'mailbox-exists', title: 'This mailbox is connected already' } as const;
  if (mailboxId === null) {
    return new Problem({
      ...type,
      detail: 'The address is that of a mailbox that you cannot see. An administrator can.',
    });
  }
  const detail = `The address is that of mailbox ${mailboxId}. Change it with PATCH /v1/mailboxes/${mailboxId}.`;
  return new Problem({ ...type, detail }, { mailboxId });
}

/** 412: somebody else changed it since it was read. */
export function preconditionFailed(): Problem {
  return new Problem({
    status: 412,
    slug: 'precondition-failed',
    title: 'Changed in the meantime',
    detail: 'The ETag in If-Match is not the present one. Read it again, and repeat the change on what is there now.',
  });
}

/** 413 */
export function bodyTooLarge(maxBytes: number): Problem {
  return new Problem({
    status: 413,
    slug: 'body-too-large',
    title: 'The body is too large',
    detail: `This call takes at most ${String(maxBytes)} bytes. Send less at a time.`,
  });
}

/** 415 */
export function unsupportedMediaType(): Problem {
  return new Problem({
    status: 415,
    slug: 'unsupported-media-type',
    title: 'The content type is not known',
    detail: 'Send JSON with `Content-Type: application/json`; bulk uploads are `application/x-ndjson`.',
  });
}

/** 422: a way to log in that this version does not have. */
export function authNotAvailable(): Problem {
  return new Problem(
    {
      status: 422,
      slug: 'auth-not-available',
      title: 'This way to log in is not available yet',
      detail:
        'OAuth2 is not available in this version. Use `auth.type: "password"`; Google, Yahoo and others issue app passwords for it.',
    },
    {
      values: ['auth.type: oauth2'],
      errors: [{ in: 'body', field: 'auth.type', reason: 'OAuth2 is not available yet.', remedy: 'Use a password.' }],
    },
  );
}

/** 422: the mailbox was tried and could not be opened. `sentence` says it for a person. */
export function connectionFailed(code: ConnectCode, sentence: string): Problem {
  return new Problem(
    { status: 422, slug: 'connection-failed', title: 'The mailbox cannot be opened', detail: sentence },
    { code },
  );
}

/** 422: the server of an address was found, by the DNS or by its name; a person must say that it is the right one. */
export function serverNotConfirmed(suggestion: ServerSuggestion, sentence: string): Problem {
  const remedy = 'If it is the right one, send the request again with this `imap`.';
  return new Problem(
    {
      status: 422,
      slug: 'server-not-confirmed',
      title: 'The mail server must be confirmed',
      detail: `${sentence} It was not logged in to, and no password was sent. ${remedy}`,
    },
    {
      suggestion,
      errors: [
        { in: 'body', field: 'imap', reason: 'is missing, and the server that was found is not confirmed.', remedy },
      ],
    },
  );
}

/** 429: as many of a tenant's requests of this kind are under way as may be. */
export function tooManyAtOnce(atOnce: number): Problem {
  return new Problem(
    {
      status: 429,
      slug: 'too-many-at-once',
      title: 'Too many at the same time',
      detail: `At most ${String(atOnce)} of these requests may be under way at once. Ask again when one has ended.`,
    },
    { retryAfterSeconds: 5 },
  );
}

/** 422: the key was used for something else. */
export function idempotencyKeyReused(): Problem {
  return new Problem({
    status: 422,
    slug: 'idempotency-key-reused',
    title: 'The Idempotency-Key belongs to another request',
    detail:
      'This Idempotency-Key came with another call or body in the last 24 hours. Use a new key for a new request.',
  });
}

/** 409: the first request with the key has not ended. */
export function idempotencyKeyInUse(): Problem {
  return new Problem(
    {
      status: 409,
      slug: 'idempotency-key-in-use',
      title: 'The first request is still running',
      detail: 'A request with this Idempotency-Key has not ended yet. Ask again in a moment.',
    },
    { retryAfterSeconds: 2 },
  );
}

/** 500: ours. */
export function internalError(): Problem {
  return new Problem({
    status: 500,
    slug: 'internal-error',
    title: 'Something went wrong here',
    detail: 'The failure is in the log under the requestId. Nothing was half done; the request can be repeated.',
  });
}

/** 503: a part that this call needs is not there. `what` is its name in a sentence, e.g. `The database`. */
export function unavailable(what: string): Problem {
  return new Problem(
    {
      status: 503,
      slug: 'unavailable',
      title: 'Not available at the moment',
      detail: `${what} cannot be reached. Ask again in a few seconds.`,
    },
    { retryAfterSeconds: 5 },
  );
}

/** 404: the thing is there, its bytes are not. */
export function noBytes(): Problem {
  return new Problem({
    status: 404,
    slug: 'no-bytes',
    title: 'No bytes are kept',
    detail: 'The server never gave the bytes, or the policy of the mailbox keeps none.',
  });
}

/** 503: the database was restored, and what was erased since its state was saved is erased again first. */
export function erasuresPending(pending: number | null): Problem {
  const detail =
    pending === null
      ? 'It cannot be told whether everything that was erased is erased here: the file of erasures cannot be compared. The log says why.'
      : `This database was restored. ${String(pending)} erasures are done again before anything is served.`;
  return new Problem(
    { status: 503, slug: 'erasures-pending', title: 'What was erased is erased again first', detail },
    { retryAfterSeconds: 5 },
  );
}

/** 503: what is missing before requests can be served, by name. */
export function notReady(missing: string[]): Problem {
  return new Problem(
    {
      status: 503,
      slug: 'not-ready',
      title: 'Not ready',
      detail: `Missing: ${missing.join(', ')}.`,
    },
    { values: missing, retryAfterSeconds: 5 },
  );
}
