import { z } from 'zod';

import { listNotes } from '../../db/activities/note-read';
import { readsRecord } from '../../db/record-readers';
import type { Api, ApiContext } from '../context';
import { idField } from '../fields';
import { cursorOfShortPages, decodeCursor, encodeCursor, pageOf, pageQuery } from '../paging';
import { refuseMergedFilter } from '../records/moved';
import { presentNote } from './presenter';
import { activityNoteSchema } from './schemas';

const place = z.tuple([z.iso.datetime(), z.uuid()]);

/** /v1/activity-notes: what is left of activities whose mail is gone */
export function activityNoteRoutes(api: Api, context: ApiContext): void {
  const { db, limits } = context;
  const querystring = z.strictObject({
    ...pageQuery(limits.maxPageSize),
    recordId: idField('record', 'rec_0192f0c1...'),
  });
  api.get(
    '/v1/activity-notes',
    {
      schema: {
        tags: ['activities'],
        summary: 'The notes that are left at a record of activities whose mail is gone, those of the newest mail first',
        description:
          'By the policy `activityOnDelete: note` of the mailbox. A note says that there was mail, and nothing of what: to whoever might know of the mail at the record, and to its owner.',
        querystring,
        response: { 200: pageOf(activityNoteSchema).extend({ nextCursor: cursorOfShortPages }) },
      },
    },
    async ({ viewer, query: { recordId, limit, cursor } }) => {
      const filter = { recordId };
      const after = decodeCursor(cursor, filter, place);
      const page = await db.inTenant(viewer.tenantId, async (sql) => {
        if (!(await readsRecord(sql, viewer, recordId))) return null;
        const behind = after === null ? null : { sortAt: new Date(after[0]), id: after[1] };
        return listNotes(sql, viewer, { recordId, after: behind, limit: limit + 1 });
      });
      if (page === null) await refuseMergedFilter(context, viewer, recordId);
      const { notes, resumeAfter } = page ?? { notes: [], resumeAfter: null };
      const shown = notes.slice(0, limit);
      const last = notes.length > limit ? shown.at(-1) : resumeAfter;
      return { items: shown.map(presentNote), nextCursor: last ? encodeCursor([last.sortAt, last.id], filter) : null };
    },
  );
}
