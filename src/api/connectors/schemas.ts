import { z } from 'zod';

import type { StoredConnector } from '../../db/connectors/connectors';
import { connectorSentence, connectorStateSentence } from '../../domain/connector-sentences';
import { publicId } from '../../domain/ids';
import type { Language } from '../../domain/languages';
import { time, timeOrNull } from '../fields';
import { lineField } from '../records/text-fields';

const kind = z.string().regex(/^[a-z][a-z0-9-]{0,39}$/, { error: 'is not a kind of connector, like http.' });
const values = z.record(z.string(), z.unknown());

/** POST /v1/connectors, and POST /v1/connectors/test. What `settings` and `secrets` hold is the kind's: docs/connectors.md. */
export const newConnectorSchema = z.strictObject({
  kind: kind.default('http'),
  name: lineField(200),
  settings: values.describe('How the CRM is reached and what its fields mean; docs/connectors.md has all of it'),
  secrets: values.describe('Token and signing secret; kept encrypted and never shown again'),
});

/** PATCH /v1/connectors/{id}: what is left out stays; settings and secrets are given whole. */
export const connectorChangeSchema = z.strictObject({
  name: lineField(200).exactOptional(),
  settings: values.exactOptional(),
  secrets: values.exactOptional(),
  cursor: z.literal('begin').exactOptional().describe('Fetches all records anew'),
});

/** A connector as every answer shows it. */
export const connectorSchema = z.object({
  id: z.string().describe('con_...'),
  kind: z.string(),
  name: z.string(),
  settings: values,
  state: z.enum(['active', 'paused']),
  status: z.string().describe('How it is, for a person, in the language of Accept-Language'),
  lastError: z
    .object({
      code: z.string(),
      operation: z.string(),
      httpStatus: z.int().nullable(),
      words: z.string(),
      at: time,
      triedAgainAt: time.nullable(),
    })
    .nullable(),
  pulledAt: time.nullable().describe('When the CRM had nothing newer the last time'),
  pullDueAt: time,
  pushedAt: time.nullable(),
  waiting: z.int().describe('Links and activities that the CRM is still to be told'),
  refused: z.int().describe('Records of the CRM that could not be taken over'),
  lastRefused: z.array(z.object({ externalId: z.string().nullable(), reasons: z.array(z.string()) })),
  workflowId: z.string(),
  createdAt: time,
  updatedAt: time,
});

/** The answer of a test. */
export const testAnswerSchema = z.object({
  ok: z.boolean(),
  records: z.int().describe('Records on the first page that was read'),
  unreadable: z.array(z.object({ externalId: z.string().nullable(), reason: z.string() })),
  sample: z.array(
    z.object({ type: z.string(), externalId: z.string(), name: z.string().nullable(), addresses: z.int() }),
  ),
  code: z.string().nullable(),
  httpStatus: z.int().nullable(),
  words: z.string().describe('For a person'),
});

/** A connector for an answer, in the language of who asks. */
export function presentConnector(
  connector: StoredConnector,
  { waiting, language }: { waiting: number; language: Language },
): z.output<typeof connectorSchema> {
  const id = publicId('connector', connector.id);
  const { lastError, name, state, refused, lastRefused } = connector;
  return {
    id,
    kind: connector.kind,
    name,
    settings: z.record(z.string(), z.unknown()).parse(connector.settings),
    state,
    status: statusOf(connector, language),
    lastError:
      lastError === null
        ? null
        : {
            code: lastError.code,
            operation: lastError.operation,
            httpStatus: lastError.status,
            words: connectorSentence(lastError.code, language),
            at: lastError.at,
            triedAgainAt: timeOrNull(connector.retryAt),
          },
    pulledAt: timeOrNull(connector.pulledAt),
    pullDueAt: connector.pullDueAt.toISOString(),
    pushedAt: timeOrNull(connector.pushedAt),
    waiting,
    refused,
    lastRefused,
    workflowId: `connector/${id}`,
    createdAt: connector.createdAt.toISOString(),
    updatedAt: connector.updatedAt.toISOString(),
  };
}

function statusOf({ state, failedTries, lastError, pulledAt }: StoredConnector, language: Language): string {
  if (state === 'paused') return connectorStateSentence('paused', language);
  if (failedTries > 0 && lastError !== null) return connectorSentence(lastError.code, language);
  return connectorStateSentence(pulledAt === null ? 'first' : 'inStep', language);
}

/** The ETag of a connector: of what a person can change. */
export function etagOfConnector({ version }: StoredConnector): string {
  return `"${String(version)}"`;
}
