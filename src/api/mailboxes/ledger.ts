import { Readable } from 'node:stream';

import { z } from 'zod';

import { readLedger, streamLedger, type LedgerEntry } from '../../db/ledger';
import { findMailbox } from '../../db/mailboxes';
import { publicId } from '../../domain/ids';
import type { Api, ApiContext } from '../context';
import { idInPath, time } from '../fields';
import { decodeCursor, pageFrom, pageOf, pageQuery } from '../paging';
import { notFound } from '../problems';
import type { Viewer } from '../viewer';
import { readerOf } from './people';

const outcomeNames = ['stored', 'recorded', 'filtered', 'headers-only', 'parked'] as const;
const presenceNames = ['live', 'ended', 'tombstoned'] as const;

const ledgerItem = z.object({
  folder: z.string(),
  uidValidity: z.string(),
  uid: z.int(),
  outcome: z.enum(outcomeNames),
  reason: z.string().nullable(),
  presence: z.enum(presenceNames),
  messageId: z.string().nullable().describe('msg_...'),
  copyId: z.string().nullable().describe('cpy_...'),
  sha256: z.string().nullable().describe('Of the bytes as fetched; null where they were not'),
  size: z.int().nullable(),
  recordedAt: time,
});

const position = z.strictObject({ generationId: z.int(), uid: z.int() });
const ndjson = 'application/x-ndjson';

/** /v1/mailboxes/{id}/ledger: what became of every UID. */
export function ledgerRoutes(api: Api, context: ApiContext): void {
  const { db, limits } = context;
  const querystring = z.strictObject({
    ...pageQuery(limits.maxPageSize),
    folder: z.string().min(1).max(1_000).optional(),
    outcome: z.enum(outcomeNames).optional(),
    presence: z.enum(presenceNames).optional(),
  });
  api.get(
    '/v1/mailboxes/:id/ledger',
    {
      schema: {
        tags: ['mailboxes'],
        summary: 'What became of every UID; with `Accept: application/x-ndjson` all of it as a stream',
        params: idInPath('mailbox'),
        querystring,
        response: {
          200: {
            description: 'One page, or all rows as lines',
            content: {
              'application/json': { schema: pageOf(ledgerItem) },
              [ndjson]: { schema: ledgerItem },
            },
          },
        },
      },
    },
    async ({ viewer, params, query, headers }, reply) => {
      const { folder = null, outcome = null, presence = null } = query;
      const filter = { folder, outcome, presence };
      const source = await visibleSource(context, viewer, params.id);
      if (headers.accept?.includes(ndjson) === true) {
        const lines = Readable.from(linesOf(streamLedger(db, source, filter)));
        return reply.type(ndjson).send(lines as never);
      }
      const after = decodeCursor(query.cursor, filter, position);
      const rows = await readLedger(db, source, { filter, after, limit: query.limit + 1 });
      const keyOf = ({ generationId, uid }: LedgerEntry) => ({ generationId, uid });
      return pageFrom(rows, { limit: query.limit, filter, keyOf, present: presentEntry });
    },
  );
}

async function visibleSource({ db }: ApiContext, viewer: Viewer, mailboxId: string) {
  const { tenantId } = viewer;
  const mailbox = await db.inTenant(tenantId, (sql) => findMailbox(sql, readerOf(viewer), mailboxId));
  if (mailbox === null) throw notFound();
  return { tenantId, sourceId: mailbox.id };
}

/** A stream takes the next page when the client has read the last: that is the back-pressure. */
async function* linesOf(pages: AsyncGenerator<LedgerEntry[]>): AsyncGenerator<string> {
  for await (const page of pages) yield page.map((entry) => `${JSON.stringify(presentEntry(entry))}\n`).join('');
}

function presentEntry(entry: LedgerEntry): z.output<typeof ledgerItem> {
  const { folder, uidValidity, uid, outcome, reason, presence, sha256, size } = entry;
  return {
    folder,
    uidValidity,
    uid,
    outcome,
    reason,
    presence,
    messageId: entry.messageId === null ? null : publicId('message', entry.messageId),
    copyId: entry.copyId === null ? null : publicId('copy', entry.copyId),
    sha256,
    size,
    recordedAt: entry.recordedAt.toISOString(),
  };
}
