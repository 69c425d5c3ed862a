import { z } from 'zod';

import type { RecordValues, StoredRecord } from '../../db/records';
import { publicId, type IdKind } from '../../domain/ids';
import { openScope } from '../../domain/record-scope';
import { idField, time } from '../fields';
import { addressField, domainField, lineField, refuseTwice } from './text-fields';
import { recordTypeField } from './type-field';

const type = recordTypeField;
const kind = z.enum(['business', 'private', 'other']);

const addresses = z
  .array(
    z
      .strictObject({ address: addressField, kind: kind.default('business') })
      .transform((given) => ({ ...given.address, kind: given.kind })),
  )
  .max(1_000)
  .superRefine(refuseTwice((address: { key: string }) => address.key, ['address']));

const domains = z
  .array(domainField)
  .max(100)
  .superRefine(refuseTwice((domain: string) => domain, []))
  .transform((given) => given.toSorted())
  .describe('Of a company: mail from and to them belongs to it where a mailbox has the policy companyDomains: link');

// 1001 and "1001" are one number: CRMs send both.
const number = z
  .union([lineField(100), z.int().min(0).transform(String)])
  .nullable()
  .describe('Unique among the records of the type');

const externalId = lineField(200);
const companyId = idField('record', 'rec_0192f0c1...').nullable();
const intermediaryId = idField('record', 'rec_0192f0c1...')
  .nullable()
  .describe("A record of the type intermediary, which shows this one's mail too");
const ownerUserId = idField('user', 'usr_0192f0c1...').nullable();
const mostReaders = 1_000;
const readersOf = (kind: 'team' | 'user', example: string) =>
  z
    .array(idField(kind, example))
    .max(mostReaders)
    .superRefine(refuseTwice((id: string) => id, []))
    .default([]);
const scope = z
  .discriminatedUnion('mode', [
    z.strictObject({ mode: z.literal('all') }),
    z.strictObject({
      mode: z.literal('restricted'),
      teamIds: readersOf('team', 'tea_0192f0c1...'),
      userIds: readersOf('user', 'usr_0192f0c1...'),
    }),
  ])
  .describe('Who may see the record, and by it the mail of others: everybody, or these teams and users');
const name = lineField(500);

/** POST /v1/records, PUT /v1/records/{id}: what is left out is empty. */
export const recordBodySchema = z.strictObject({
  type,
  name,
  number: number.default(null),
  externalId: externalId.nullable().default(null),
  companyId: companyId.default(null),
  intermediaryId: intermediaryId.default(null),
  ownerUserId: ownerUserId.default(null),
  scope: scope.default(openScope),
  addresses: addresses.default([]),
  domains: domains.default([]),
});

/** PATCH /v1/records/{id}: what is left out stays; addresses are given whole. */
export const recordChangeSchema = z.strictObject({
  type: type.exactOptional(),
  name: name.exactOptional(),
  number: number.exactOptional(),
  externalId: externalId.nullable().exactOptional(),
  companyId: companyId.exactOptional(),
  intermediaryId: intermediaryId.exactOptional(),
  ownerUserId: ownerUserId.exactOptional(),
  scope: scope.exactOptional(),
  addresses: addresses.exactOptional(),
  domains: domains.exactOptional(),
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
    intermediaryId: intermediaryId.exactOptional(),
    intermediaryExternalId: externalId.exactOptional(),
    ownerUserId: ownerUserId.exactOptional(),
    scope: scope.exactOptional(),
    addresses: addresses.exactOptional(),
    domains: domains.exactOptional(),
  })
  .refine((line) => line.companyId === undefined || line.companyExternalId === undefined, {
    error: 'stands beside companyExternalId.',
    path: ['companyId'],
    params: { remedy: 'Give one of the two.' },
  })
  .refine((line) => line.intermediaryId === undefined || line.intermediaryExternalId === undefined, {
    error: 'stands beside intermediaryExternalId.',
    path: ['intermediaryId'],
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
  intermediaryId: z.string().nullable(),
  ownerUserId: z.string().nullable(),
  scope: z.discriminatedUnion('mode', [
    z.object({ mode: z.literal('all') }),
    z.object({ mode: z.literal('restricted'), teamIds: z.array(z.string()), userIds: z.array(z.string()) }),
  ]),
  addresses: z.array(z.object({ address: z.string(), kind })),
  domains: z.array(z.string()),
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
  readersOperationId: z
    .string()
    .nullable()
    .describe('The job that shows stored mail at another company or intermediary, or to others, where it is much'),
});

/** A record that was restored. */
export const restoredRecordSchema = writtenRecordSchema.extend({
  sharedAddresses: z
    .array(z.object({ address: z.string(), recordIds: z.array(z.string()) }))
    .describe('Addresses that other records have too, up to 20 of each: mail is linked to all of them'),
});

/** What is said of a record that has become a part of another. */
export const mergedRecordSchema = z.object({
  id: z.string().describe('The record that was asked for'),
  mergedInto: z.string().describe('The record that it is a part of'),
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
  line: z.int().describe('The last line that is done with'),
  operationId: writtenRecordSchema.shape.operationId,
  readersOperationId: writtenRecordSchema.shape.readersOperationId,
});

/** How far an upload with an Idempotency-Key is. */
export const uploadSchema = bulkAnswerSchema.omit({ readersOperationId: true }).extend({
  state: z.enum(['running', 'interrupted', 'done']),
});

const idOrNull = (kind: IdKind, id: string | null) => (id === null ? null : publicId(kind, id));

/** A record for an answer. */
export function presentRecord(record: StoredRecord): z.output<typeof recordSchema> {
  const { type, name, number, externalId, version, scope } = record;
  return {
    id: publicId('record', record.id),
    type,
    name,
    number,
    externalId,
    companyId: idOrNull('record', record.companyId),
    intermediaryId: idOrNull('record', record.intermediaryId),
    ownerUserId: idOrNull('user', record.ownerUserId),
    scope:
      scope.mode === 'all'
        ? scope
        : {
            mode: scope.mode,
            teamIds: scope.teamIds.map((id) => publicId('team', id)),
            userIds: scope.userIds.map((id) => publicId('user', id)),
          },
    addresses: record.addresses.map(({ address, kind }) => ({ address, kind })),
    domains: record.domains,
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
  const { type, name, number, externalId, companyId, intermediaryId, ownerUserId, scope } = stored;
  const { addresses, domains } = stored;
  const before = { type, name, number, externalId, companyId, intermediaryId, ownerUserId, scope, addresses, domains };
  return { ...before, ...change };
}
