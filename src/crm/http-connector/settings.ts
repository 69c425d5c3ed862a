import { z } from 'zod';

/** Where a value stands in a JSON object: names with dots between them. */
const path = z
  .string()
  .max(500)
  .regex(/^[A-Za-z0-9_$-]{1,100}(?:\.[A-Za-z0-9_$-]{1,100}){0,9}$/, {
    error: 'is not a path. Names with dots between them, like person.email.',
  });

const urlPath = z
  .string()
  .max(500)
  .regex(/^\/[\x21-\x7e]*$/, { error: 'is not a path of a URL. It begins with /, like /api/changes.' });
const parameter = z.string().regex(/^[A-Za-z0-9_.[\]-]{1,100}$/, { error: 'is not the name of a query parameter.' });

const addressKind = z.enum(['business', 'private', 'other']);
const recordType = z.string().regex(/^[a-z][a-z0-9-]{1,39}$/, { error: 'is not a type of record.' });

/** A value that is fixed, or stands in the record, in the CRM's words that `values` translates. */
const choice = <Value extends z.ZodType>(value: Value) =>
  z.union([
    z.strictObject({ always: value }),
    z.strictObject({ path, values: z.record(z.string().max(200), value), otherwise: value.optional() }),
  ]);

const addressSource = z.strictObject({
  /** A text, a list of texts, or a list of objects that have the address at `address`. */
  path,
  address: path.optional(),
  kind: choice(addressKind).default({ always: 'business' }),
});

const mapping = z.strictObject({
  externalId: path.default('id'),
  type: choice(recordType).default({ always: 'contact' }),
  /** What is there of these, with a blank between. */
  name: z.array(path).min(1).max(10).default(['name']),
  number: path.optional(),
  companyExternalId: path.optional(),
  addresses: z.array(addressSource).max(20).default([]),
  /** Deleted where this is there and neither null, false, 0 nor empty. */
  deleted: path.default('deleted'),
  /** The external id of the record that it became a part of. */
  mergedInto: path.default('mergedInto'),
});

const pull = z.strictObject({
  path: urlPath.default('/changes'),
  everySeconds: z.int().min(60).max(86_400).default(300),
  pageSize: z.int().min(1).max(1_000).default(200),
  cursorParameter: parameter.default('cursor'),
  limitParameter: parameter.default('limit'),
  items: path.default('items'),
  cursor: path.default('cursor'),
  /** Where it says that there is more; left out: as long as a page has items. */
  more: path.optional(),
});

/** How a CRM is reached over HTTP, and what its fields mean. No secret in it. */
export const httpSettings = z.strictObject({
  baseUrl: z
    .url({ protocol: /^https?$/, error: 'is not a URL that begins with https://.' })
    .max(1_000)
    .refine((url) => isPlainUrl(url), { error: 'has a user name, a query or a fragment. Give the address alone.' }),
  /** How the token is sent. */
  authorization: z
    .strictObject({ header: z.string().regex(/^[A-Za-z0-9-]{1,64}$/), scheme: z.string().max(40) })
    .default({ header: 'authorization', scheme: 'Bearer' }),
  pull: pull.prefault({}),
  find: z
    .strictObject({
      path: urlPath.default('/records'),
      addressParameter: parameter.default('address'),
      items: path.default('items'),
    })
    .nullable()
    .default(null),
  push: z
    .strictObject({ path: urlPath.default('/letterbook'), batch: z.int().min(1).max(500).default(100) })
    .nullable()
    .default(null),
  mapping: mapping.prefault({}),
});

export type HttpSettings = z.output<typeof httpSettings>;

function isPlainUrl(text: string): boolean {
  const url = URL.canParse(text) ? new URL(text) : null;
  return url !== null && url.username === '' && url.password === '' && url.search === '' && url.hash === '';
}
