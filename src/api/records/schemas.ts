import { z } from 'zod';

import type { RecordValues, StoredRecord } from '../../db/records';
import { publicId } from '../../domain/ids';
import { idField, time } from '../fields';
import { addressField, lineField, refuseTwice } from './text-fields';

const type = z
  .string()
  .regex(/^[a-z][a-z0-9-]{1,39}$/, {
    error: 'is not a type of record: 2 to 40 small letters, digits and hyphens, beginning with a letter.',
  })
  .describe('contact, company, lead, opportunity, project, ticket, task, comment, intermediary, or a type of your own');

const kind = z.enum(['business', 'private', 'other']);

const addresses = z
  .array(
    z
      .strictObject({ address: addressField, kind: kind.default('business') })
      .transform((given) => ({ ...given.address, kind: given.kind })),
  )
  .max(1_000)
  .superRefine(refuseTwice((address: { key: string }) => address.key, ['address']));

// 1001 and "1001" are one number: CRMs send both.
const number = z
  .union([lineField(100), z.int().min(0).transform(String)])
  .nullable()
  .describe('Unique among the records of the type');

const externalId = lineField(200);
const companyId = idField('record', 'rec_0192f0c1...').nullable();
const ownerUserId = idField('user', 'usr_0192f0c1...').nullable();
const name = lineField(500);

/** POST /v1/records, PUT /v1/records/{id}: what is left out is empty. */
export const recordBodySchema = z.strictObject({
  type,
  name,
  number: number.default(null),
  externalId: externalId.nullable().default(null),
  companyId: companyId.default(null),
  ownerUserId: ownerUserId.default(null),
  addresses: addresses.default([]),
});

/** PATCH /v1/records/{id}: what is left out stays; addresses are given whole. */
export const recordChangeSchema = z.strictObject({
  type: type.exactOptional(),
  name: name.exactOptional(),
  number: number.exactOptional(),
  externalId: externalId.nullable().exactOptional(),
  companyId: companyId.exactOptional(),
  ownerUserId: ownerUserId.exactOptional(),
  addresses: addresses.exactOptional(),
});

/** One line of POST /v1/records/bulk. */
export const bulkLineSchema = z
  .strictObject({
    type,
    externalId,
    name: name.exactOptional(),
    number: number.exactOptional(),
    companyId: companyId.exactOptional(),
    companyExternalId: externalId.exactOptional(),
    ownerUserId: ownerUserId.exactOptional(),
    addresses: addresses.exactOptional(),
  })
  .refine((line) => line.companyId === undefined || line.companyExternalId === undefined, {
    error: 'stands beside companyExternalId.',
    path: ['companyId'],
    params: { remedy: 'Give one of the two.' },
  });

/** A record as every answer shows it. */
export const recordSchema = z.object({
  id: z.string().describe('rec_...'),
  type: z.string(),
  name: z.string(),
  number: z.string().nullable(),
  externalId: z.string().nullable(),
  companyId: z.string().nullable(),
  ownerUserId: z.string().nullable(),
  addresses: z.array(z.object({ address: z.string(), kind })),
  version: z.int(),
  createdAt: time,
  updatedAt: time,
});

/** A record that was written. */
export const writtenRecordSchema = recordSchema.extend({
  operationId: z
    .string()
    .nullable()
    .describe('The job that links stored mail anew, where it is too much to be done at once'),
});

/** The answer of POST /v1/records/bulk. */
export const bulkAnswerSchema = z.object({
  written: z.int().describe('Good lines'),
  created: z.int().describe('Records that are new'),
  updated: z.int().describe('Lines for records that were there'),
  refusedCount: z.int(),
  refused: z
    .array(
      z.object({
        line: z.int().describe('From 1; empty lines count'),
        errors: z.array(z.object({ field: z.string(), reason: z.string(), remedy: z.string() })),
      }),
    )
    .describe('The first 10,000'),
  operationId: z
    .string()
    .nullable()
    .describe('The job that links stored mail anew, where it is too much to be done at once'),
});

/** A record for an answer. */
export function presentRecord(record: StoredRecord): z.output<typeof recordSchema> {
  const { type, name, number, externalId, companyId, ownerUserId, version } = record;
  return {
    id: publicId('record', record.id),
    type,
    name,
    number,
    externalId,
    companyId: companyId === null ? null : publicId('record', companyId),
    ownerUserId: ownerUserId === null ? null : publicId('user', ownerUserId),
    addresses: record.addresses.map(({ address, kind }) => ({ address, kind })),
    version,
    createdAt: record.createdAt.toISOString(),
    updatedAt: record.updatedAt.toISOString(),
  };
}

/** The ETag of a record. */
export function etagOfRecord({ version }: { version: number }): string {
  return `"${String(version)}"`;
}

/** All values of a record after a change. */
export function valuesAfter(stored: StoredRecord, change: z.output<typeof recordChangeSchema>): RecordValues {
  const { type, name, number, externalId, companyId, ownerUserId, addresses } = { ...stored, ...change };
  return { type, name, number, externalId, companyId, ownerUserId, addresses };
}
