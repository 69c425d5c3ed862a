import { createHash } from 'node:crypto';

import { z } from 'zod';

import type { User } from '../../db/users';
import { publicId } from '../../domain/ids';
import { time } from '../fields';
import { addressField, lineField, refuseTwice } from '../records/text-fields';

const role = z.enum(['admin', 'manager', 'member']);

const addresses = z
  .array(addressField)
  .max(100)
  .superRefine(refuseTwice((address: { key: string }) => address.key, []))
  .transform((list) => list.map((address) => address.key))
  .describe('Addresses by which mail is recognised as theirs');

/** POST /v1/users */
export const newUserSchema = z.strictObject({
  role: role.default('member'),
  name: lineField(200),
  addresses: addresses.default([]),
});

/** PATCH /v1/users/{id}: what is left out stays; addresses are given whole. */
export const userChangeSchema = z.strictObject({
  role: role.exactOptional(),
  name: lineField(200).exactOptional(),
  addresses: addresses.exactOptional(),
});

/** A user as every answer shows it. */
export const userSchema = z.object({
  id: z.string().describe('usr_...'),
  role,
  name: z.string(),
  addresses: z.array(z.string()).describe('In their normal form'),
  createdAt: time,
});

/** A user for an answer. */
export function presentUser(user: User): z.output<typeof userSchema> {
  const { role, name, addresses, createdAt } = user;
  return { id: publicId('user', user.id), role, name, addresses, createdAt: createdAt.toISOString() };
}

/** The ETag of a user: of what can be changed. */
export function etagOfUser({ role, name, addresses }: User): string {
  const text = JSON.stringify([role, name, addresses]);
  return `"${createHash('sha256').update(text).digest('base64url').slice(0, 16)}"`;
}
