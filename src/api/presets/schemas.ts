import { z } from 'zod';

import { normaliseAddress } from '../../domain/address';
import { languages } from '../../domain/languages';

const language = z
  .enum(languages)
  .describe('The language of `steps`; without it Accept-Language decides, else English');

/** GET /v1/presets */
export const presetsQuery = z.strictObject({
  address: z
    .string()
    .min(3)
    .max(320)
    .refine((text) => normaliseAddress(text) !== null, {
      error: 'is not an e-mail address.',
      params: { remedy: 'Like anna@example.com, without a name.' },
    })
    .exactOptional()
    .describe('What is known for this address; without it all presets are listed'),
  language: language.exactOptional(),
});

const server = z.object({ host: z.string(), port: z.int(), security: z.enum(['tls', 'starttls']) });

const preset = z.object({
  provider: z.string(),
  name: z.string().nullable().describe('As people know it'),
  imap: server.nullable(),
  smtp: server.nullable(),
  sentCopies: z
    .enum(['server', 'client', 'unknown'])
    .describe('Who puts a copy of what is sent by SMTP into the Sent folder'),
  login: z
    .enum(['password', 'app-password', 'oauth2', 'unknown'])
    .describe('What is taken as password; `oauth2`: none is taken'),
  limits: z.object({
    connections: z.int().nullable().describe('How many the provider allows an account; null where it does not say'),
    connectionsUsed: z
      .int()
      .describe('How many of them are used at most; one more for some seconds while access is tried'),
    idleRenewalSeconds: z.int(),
    dailyDownloadBytes: z.int().nullable(),
  }),
  language: z.enum(languages),
  steps: z
    .array(z.object({ code: z.string(), text: z.string() }))
    .describe('What a person must do first, in this order'),
  sources: z
    .array(
      z.object({
        page: z.string(),
        url: z.string(),
        compared: z.string().nullable().describe('The month in which the values were last compared with the page'),
      }),
    )
    .describe('Where the values come from'),
});

/** What is known for an address. */
export const knownServerSchema = preset.extend({
  source: z
    .enum(['preset', 'mx', 'srv', 'guess', 'none'])
    .describe('By the domain itself, by its mail exchanger, by its SRV records, by a usual name, or not found'),
  confirmed: z.boolean().describe('Whether a password is sent there without `imap` in the request'),
});

/** The list of all. */
export const presetListSchema = z.object({
  items: z.array(
    preset.extend({ domains: z.array(z.string()).describe('`*` stands for `com`, a country, or `co.uk`, `com.au`') }),
  ),
  nextCursor: z.null(),
});

export type PresetAnswer = z.output<typeof preset>;
export type KnownServerAnswer = z.output<typeof knownServerSchema>;
