import { isIP } from 'node:net';

import { z } from 'zod';

import { normaliseAddress } from '../../domain/address';
import { mailboxStates } from '../../domain/mailbox-state';
import { idField, time } from '../fields';
import { policyChangeSchema, policySchema } from '../policy-schema';

const control = /\p{Cc}/u;

const singleLine = (name: string, maxCharacters: number) =>
  z
    .string()
    .min(1)
    .max(maxCharacters)
    .refine((text) => !control.test(text), {
      error: 'has line breaks or control characters.',
      params: { remedy: `Give the ${name} alone.` },
    });

const host = singleLine('host', 253)
  .refine((text) => isIP(text.replace(/^\[(.*)\]$/, '$1')) !== 0 || normaliseAddress(`x@${text}`) !== null, {
    error: 'is not the name of a host or an IP address.',
    params: { remedy: 'Like imap.example.com, without protocol, port or path.' },
  })
  .refine((text) => !text.startsWith('[') || text.includes(':'), { error: 'is not the name of a host.' });

const serverChange = z.strictObject({
  host,
  port: z.int().min(1).max(65_535).exactOptional(),
  security: z.enum(['tls', 'starttls', 'none']).default('tls'),
  allowInvalidCertificate: z.boolean().default(false),
  ca: z
    .string()
    .max(100_000)
    .refine((text) => text.includes('-----BEGIN CERTIFICATE-----'), {
      error: 'is not a certificate.',
      params: { remedy: 'Give it as PEM, beginning with -----BEGIN CERTIFICATE-----.' },
    })
    .nullable()
    .default(null),
});

/** IMAP as a caller gives it: the port follows from the security where it is left out (RFC 8314 7.1, RFC 9051 11). */
const imapSettings = serverChange.transform((settings) => ({
  ...settings,
  port: settings.port ?? (settings.security === 'tls' ? 993 : 143),
}));

const smtpSettings = serverChange.transform((settings) => ({
  ...settings,
  port: settings.port ?? (settings.security === 'tls' ? 465 : 587),
}));

const address = z
  .string()
  .min(3)
  .max(320)
  .refine((text) => normaliseAddress(text) !== null, {
    error: 'is not an e-mail address.',
    params: { remedy: 'Like anna@example.com, without a name.' },
  });

const username = singleLine('user name', 512);
const password = singleLine('password', 1_024);
const userIds = z
  .array(idField('user', 'usr_0192f0c1...'))
  .max(500)
  .transform((ids) => [...new Set(ids)]);

/** POST /v1/mailboxes */
export const newMailboxSchema = z.strictObject({
  address,
  displayName: singleLine('name', 200).nullable().exactOptional(),
  imap: imapSettings.exactOptional(),
  smtp: smtpSettings.nullable().exactOptional(),
  auth: z.discriminatedUnion('type', [
    z.strictObject({ type: z.literal('password'), username: username.exactOptional(), password }),
    z.looseObject({ type: z.literal('oauth2') }),
  ]),
  policy: policyChangeSchema.exactOptional(),
  ownerUserId: idField('user', 'usr_0192f0c1...').nullable().exactOptional(),
  memberUserIds: userIds.exactOptional(),
});

/** PATCH /v1/mailboxes/{id}: what is left out stays. */
export const mailboxChangeSchema = z.strictObject({
  displayName: singleLine('name', 200).nullable().exactOptional(),
  imap: imapSettings.exactOptional(),
  smtp: smtpSettings.nullable().exactOptional(),
  auth: z
    .strictObject({
      type: z.literal('password').default('password'),
      username: username.exactOptional(),
      password: password.exactOptional(),
    })
    .exactOptional(),
  policy: policyChangeSchema.exactOptional(),
  ownerUserId: idField('user', 'usr_0192f0c1...').nullable().exactOptional(),
  memberUserIds: userIds.exactOptional(),
});

export type NewMailboxBody = z.output<typeof newMailboxSchema>;
export type MailboxChangeBody = z.output<typeof mailboxChangeSchema>;

const server = z.object({
  host: z.string(),
  port: z.int(),
  security: z.enum(['tls', 'starttls', 'none']),
  allowInvalidCertificate: z.boolean(),
  ca: z.string().nullable(),
});

/** A mailbox as every answer shows it. */
export const mailboxSchema = z.object({
  id: z.string().describe('mbx_...'),
  address: z.string(),
  displayName: z.string().nullable(),
  state: z.enum(mailboxStates),
  reason: z.string().nullable().describe('Why it is in this state, for a person'),
  reasonCode: z.string().nullable().describe('The same as a stable code'),
  since: time,
  until: time.nullable().describe('When it will be tried again'),
  remedy: z.string().nullable().describe('What a person can do'),
  desiredState: z.enum(['running', 'paused', 'stopped']),
  deletionId: z.string().nullable().describe('While it is being deleted: GET /v1/deletions/{id} says how far it is'),
  flags: z.array(z.string()),
  progress: z
    .object({
      folders: z.int().describe('Folders whose history is not whole yet'),
      folder: z.string().nullable().describe('The one that is worked on now'),
      messagesKnown: z.int(),
      messagesDone: z.int(),
      percent: z.number().describe('From 0 to 100; never less than it was'),
      rate: z.number().nullable().describe('Messages a second; null where it cannot be said'),
      etaSeconds: z.int().nullable(),
    })
    .nullable()
    .describe('There while history is imported, beside live mail'),
  lastError: z
    .object({ kind: z.string(), code: z.string(), operation: z.string(), sentence: z.string(), at: time })
    .nullable(),
  lastMessageAt: time.nullable(),
  lastSuccessAt: time.nullable(),
  lastProvenAt: time.nullable(),
  workflowId: z.string(),
  provider: z.string(),
  imap: server,
  smtp: server.nullable(),
  auth: z.object({ type: z.literal('password'), username: z.string() }),
  policy: policySchema,
  ownerUserId: z.string().nullable(),
  memberUserIds: z.array(z.string()),
  createdAt: time,
  updatedAt: time,
});

/** The answer to connecting one. */
export const connectedMailboxSchema = mailboxSchema.extend({
  warnings: z.array(z.string()).describe('What a person should know now, in sentences; usually empty'),
});

export type MailboxAnswer = z.output<typeof mailboxSchema>;
