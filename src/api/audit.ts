import { z } from 'zod';

import { listAudit, type AuditEntry, type AuditFilter } from '../db/audit-log';
import { windowsOf } from '../db/timeline-read';
import { publicId } from '../domain/ids';
import type { Api, ApiContext } from './context';
import { instant, time } from './fields';
import { cursorOfShortPages, decodeCursor, encodeCursor, pageQuery } from './paging';
import { forbidden } from './problems';

const word = z.string().min(1).max(200);

const entrySchema = z.object({
  id: z.string().describe('aud_...'),
  at: time,
  actor: z.string().describe('usr_... or key_..., or a word for what acts by itself, like `operator`'),
  kind: z.string().describe('What was done, like `mailbox changed`, `link-thread` or `glass broken`'),
  ids: z.record(z.string(), z.string()).describe('To what: ids by what they are of'),
});

/** /v1/audit: who did what to which thing, and when (product promise G6) */
export function auditRoutes(api: Api, { db, limits }: ApiContext): void {
  const querystring = z.strictObject({
    ...pageQuery(limits.maxPageSize),
    actor: word.optional().describe('usr_... or key_...'),
    kind: word.optional(),
    subjectId: word.optional().describe('An id that an entry names, of whatever kind, like rec_... or mbx_...'),
    since: instant.optional(),
    until: instant.optional().describe('Entries before this time'),
  });
  api.get(
    '/v1/audit',
    {
      config: { access: 'admin' },
      schema: {
        tags: ['running it'],
        summary: 'Who did what to which thing, newest first',
        description:
          'For admins, and keys of the company. Ids alone: what a thing says, and the reason that a person gave for linking a thread, is told where the ' +
          'thing is, to whoever may see it.',
        querystring,
        response: { 200: z.object({ items: z.array(entrySchema), nextCursor: cursorOfShortPages }) },
      },
    },
    async ({ viewer, query }) => {
      if (viewer.userId !== null && viewer.role !== 'admin') throw forbidden('Only an admin reads the audit log.');
      const { limit, cursor } = query;
      const filter: AuditFilter = {
        actor: query.actor ?? null,
        action: query.kind ?? null,
        subject: query.subjectId ?? null,
        since: query.since ?? null,
        until: query.until ?? null,
      };
      const beforeId = decodeCursor(cursor, filter, z.uuid());
      const window = Math.max(windowsOf(viewer).filtered, limit + 1);
      const { rows, resumeAfter } = await db.inTenant(viewer.tenantId, (sql) =>
        listAudit(sql, viewer.tenantId, { filter, beforeId, limit: limit + 1, window }),
      );
      const shown = rows.slice(0, limit);
      const last = rows.length > limit ? (shown.at(-1)?.id ?? null) : resumeAfter;
      return { items: shown.map(present), nextCursor: last === null ? null : encodeCursor(last, filter) };
    },
  );
}

function present({ id, at, actor, action, ids }: AuditEntry): z.output<typeof entrySchema> {
  return { id: publicId('audit', id), at: at.toISOString(), actor, kind: action, ids };
}
