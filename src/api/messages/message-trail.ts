import type { z } from 'zod';

import { readMessage } from '../../db/messages';
import { copyHistories, putRight, removedCopies } from '../../db/messages-trail';
import type { Language } from '../../domain/languages';
import type { ApiContext } from '../context';
import { notFound } from '../problems';
import type { Viewer } from '../viewer';
import type { trailSchema } from './schemas';
import { trailOf } from './trail';

/** What happened to a message, oldest first, as far as the viewer may know of it. @throws Problem 404 */
export async function messageTrail(
  { db }: ApiContext,
  viewer: Viewer,
  { messageId, language }: { messageId: string; language: Language },
): Promise<z.output<typeof trailSchema>['items']> {
  const { message, ...told } = await db.inTenant(viewer.tenantId, async (sql) => {
    const found = await readMessage(sql, viewer, messageId);
    const copyIds = (found?.copies ?? []).map((copy) => copy.id);
    return {
      message: found,
      histories: await copyHistories(sql, viewer.tenantId, copyIds),
      removed: await removedCopies(sql, viewer, messageId),
      putRight: await putRight(sql, viewer, messageId),
    };
  });
  if (message === null && told.removed.length === 0) throw notFound();
  return trailOf(message, { ...told, language });
}
