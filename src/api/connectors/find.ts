import { z } from 'zod';

import { builtInDirectory, copiedRecords, type CopiedRecord } from '../../db/connectors/built-in-directory';
import { listConnectors, type StoredConnector } from '../../db/connectors/connectors';
import type { Directory } from '../../domain/directory';
import { connectorSentence } from '../../domain/connector-sentences';
import { publicId } from '../../domain/ids';
import type { Language } from '../../domain/languages';
import type { Api, ApiContext } from '../context';
import { languageFor } from '../language';
import { addressField } from '../records/text-fields';

const foundSchema = z.object({
  items: z.array(
    z.object({
      connectorId: z
        .string()
        .nullable()
        .describe('con_...; null: a record that a client wrote, or whose connector is gone'),
      type: z.string(),
      externalId: z.string().describe('The id at the CRM; of records that clients wrote without one, rec_...'),
      name: z.string().nullable(),
    }),
  ),
  unanswered: z
    .array(z.object({ connectorId: z.string(), words: z.string() }))
    .describe('CRMs that could not be asked'),
});

type Found = z.output<typeof foundSchema>;

/** POST /v1/connectors/find: who has an address now, by the records here and by each CRM that can be asked for it. */
export function findRoute(api: Api, context: ApiContext): void {
  api.post(
    '/v1/connectors/find',
    {
      schema: {
        tags: ['connectors'],
        summary: 'Ask all directories who has an address now',
        description:
          'By POST, so that the address stands in no log. Nothing is written; records of a CRM without `settings.find`, or of one that is away, are told as they stand here.',
        body: z.strictObject({ address: addressField }),
        response: { 200: foundSchema },
      },
    },
    async (request, reply) => {
      const { viewer, body } = request;
      const { tenantId } = viewer;
      const { db, limits } = context;
      const wish = { address: body.address.key, language: languageFor(request, reply) };
      const page = { afterId: null, limit: limits.connectorsPerTenant };
      const connectors = await db.inTenant(tenantId, (sql) => listConnectors(sql, tenantId, page));
      const active = connectors.filter(({ state }) => state === 'active');
      const [copies, ...answers] = await Promise.all([
        copiedRecords(db, tenantId, wish.address),
        findIn(builtInDirectory(db, tenantId), null, wish.address),
        ...active.map((connector) => findAt(context, connector, wish)),
      ]);
      const told = answers.flatMap(({ items }) => items);
      return {
        items: [
          ...told,
          ...untold(
            copies.map((copy) => presentCopy(copy, connectors)),
            told,
          ),
        ],
        unanswered: answers.flatMap(({ unanswered }) => unanswered),
      };
    },
  );
}

/** What a CRM says itself now goes before what it said last. */
function untold(copies: Found['items'], told: Found['items']): Found['items'] {
  const keyOf = ({ connectorId, type, externalId }: Found['items'][number]) =>
    JSON.stringify([connectorId, type, externalId]);
  const keys = new Set(told.map(keyOf));
  return copies.filter((copy) => !keys.has(keyOf(copy)));
}

function presentCopy(copy: CopiedRecord, connectors: StoredConnector[]): Found['items'][number] {
  const { connector, type, externalId, name } = copy;
  const isThere = connectors.some(({ id }) => id === connector);
  return { connectorId: isThere ? publicId('connector', connector) : null, type, externalId, name };
}

async function findAt(
  { crm }: ApiContext,
  connector: StoredConnector,
  { address, language }: { address: string; language: Language },
): Promise<Found> {
  const connectorId = publicId('connector', connector.id);
  try {
    return await findIn(crm.open(connector), connectorId, address);
  } catch (error) {
    const refusal = crm.refusalOf(error);
    if (refusal === null) throw error;
    return { items: [], unanswered: [{ connectorId, words: connectorSentence(refusal.code, language) }] };
  }
}

async function findIn(directory: Directory, connectorId: string | null, address: string): Promise<Found> {
  const records = await directory.find(address);
  const items = records.map(({ type, externalId, name }) => ({ connectorId, type, externalId, name: name ?? null }));
  return { items, unanswered: [] };
}
