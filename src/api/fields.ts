import { z } from 'zod';

import { publicId, uuidOf, type IdKind } from '../domain/ids';

/** A public id of one kind in a body or query; inside it is the database's UUID. */
export function idField(kind: IdKind, example: string) {
  return z
    .string()
    .max(64)
    .transform((id, check) => {
      const uuid = uuidOf(kind, id);
      if (uuid !== null) return uuid;
      check.addIssue({
        code: 'custom',
        message: 'is not an id of the right kind.',
        params: { remedy: `Like ${example}.` },
      });
      return z.NEVER;
    });
}

/** A public id in the path: `{id}`. What cannot be one is answered with 404. */
export function idInPath(kind: IdKind) {
  return z.strictObject({ id: idField(kind, publicId(kind, '00000000-0000-7000-8000-000000000000')) });
}

/** A time in an answer: ISO 8601 in UTC. */
export const time = z.iso.datetime();

/** A moment in a request: ISO 8601 with Z or an offset. */
export const instant = z.iso.datetime({ offset: true }).transform((text) => new Date(text));

/** The text of a time, or null. */
export function timeOrNull(at: Date | null): string | null {
  return at === null ? null : at.toISOString();
}

/** A choice in a query: `true` or `false`. */
export const yesOrNo = z.enum(['true', 'false']).transform((text) => text === 'true');

/** For POSTs that say everything by their path: no body, or an empty object. */
export const noBody = z.strictObject({}).nullish();
