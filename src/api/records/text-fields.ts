import { z } from 'zod';

import { normaliseAddress, normaliseDomain } from '../../domain/address';

const control = /\p{Cc}/u;

/** A text of one line; spaces around it are taken off. */
export function lineField(maxCharacters: number) {
  return z
    .string()
    .trim()
    .min(1)
    .max(maxCharacters)
    .refine((text) => !control.test(text), {
      error: 'has line breaks or control characters.',
      params: { remedy: 'Give one line of text.' },
    });
}

/** An e-mail address as it is given, with the normal form by which it is compared. */
export const addressField = z
  .string()
  .max(320)
  .transform((address, check) => {
    const key = normaliseAddress(address);
    // A control character in what is kept as it was given would travel into headers and files.
    if (key !== null && !control.test(address)) return { address: address.trim(), key };
    check.addIssue({
      code: 'custom',
      message: 'is not an e-mail address.',
      params: { remedy: 'Like anna@example.com, without a name.' },
    });
    return z.NEVER;
  });

/** A domain as it stands behind the @ of addresses, in its normal form. */
export const domainField = z
  .string()
  .max(255)
  .transform((text, check) => {
    const domain = normaliseDomain(text.trim());
    if (domain?.includes('.') === true && !domain.startsWith('[')) return domain;
    check.addIssue({
      code: 'custom',
      message: 'is not a domain.',
      params: { remedy: 'Like example.com, what stands behind the @ of an address.' },
    });
    return z.NEVER;
  });

/** Refuses an entry of a list whose key an earlier entry has. `at` is the path of the key within an entry. */
export function refuseTwice<Entry>(keyOf: (entry: Entry) => string, at: string[]) {
  return (entries: Entry[], check: z.core.$RefinementCtx<Entry[]>): void => {
    const seen = new Set<string>();
    entries.forEach((entry, n) => {
      const key = keyOf(entry);
      if (seen.has(key)) {
        check.addIssue({
          code: 'custom',
          path: [n, ...at],
          message: 'stands in the list before.',
          params: { remedy: 'Give each address once.' },
        });
      }
      seen.add(key);
    });
  };
}
