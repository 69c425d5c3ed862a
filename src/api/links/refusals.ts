import type { Sql } from '../../db/database';
import { joinedInto } from '../../db/header-only/joined-message';
import type { OpenLinkOperation } from '../../db/thread-links/begin';
import { publicId } from '../../domain/ids';
import { Problem } from '../problem';
import { conflict, invalidField } from '../problems';
import { mergedRecordNamed } from '../records/moved';
import type { Viewer } from '../viewer';

/** 409: somebody is changing the links of the thread. */
export function threadBusy({ operationId, kind, actor, since }: OpenLinkOperation): Problem {
  const id = publicId('operation', operationId);
  const at = since.toISOString();
  const detail = `${actor} has been changing the links of this thread since ${at} (${kind}). Wait until ${id} is done: GET /v1/operations/${id}.`;
  return new Problem(
    { status: 409, slug: 'thread-busy', title: 'Somebody is changing the links of this thread', detail },
    { underWay: { operationId: id, kind, actor, since: at }, retryAfterSeconds: 2 },
  );
}

/** 409: a person has linked the thread to the record already. */
export function threadLinked(linkId: string): Problem {
  const id = publicId('link', linkId);
  return conflict(
    'thread-linked',
    `This thread is linked to the record already, by ${id}. To link it as it stands now, POST to its /relink; to take it away, DELETE it.`,
  );
}

/** 400: the body names a record that there is not, that the key may not see, or that is a part of another now. */
export async function unknownRecord(
  sql: Sql,
  viewer: Viewer,
  { recordId, field }: { recordId: string; field: string },
): Promise<Problem> {
  const merged = await mergedRecordNamed(sql, viewer, { recordId, in: 'body', field });
  if (merged !== null) return merged;
  return invalidField(field, 'is no record that this key may see.', 'Give the id of a record, like rec_0192f0c1...');
}

/** 400: the body names a message that there is not, that the key may not see, or that is a part of another now. */
export async function unknownMessage(
  sql: Sql,
  viewer: Viewer,
  { messageId, field }: { messageId: string; field: string },
): Promise<Problem> {
  const into = await joinedInto(sql, viewer, messageId);
  if (into !== null) return invalidField(field, `is ${publicId('message', into)} now.`, 'Name that one.');
  return invalidField(field, 'is no message that this key may see.', 'Give the id of a message, like msg_0192f0c1...');
}

/** 409: why an operation cannot be undone. */
export function notUndoable(kind: 'not-done' | 'too-late' | 'undone'): Problem {
  switch (kind) {
    case 'not-done':
      return conflict('not-done', 'This operation has not come to its end. Wait until it is done.');
    case 'too-late':
      return conflict(
        'too-late',
        'This operation cannot be undone: it ended too long ago, or undid another. Change the links again instead.',
      );
    case 'undone':
      return conflict('undone', 'This operation is undone, or being undone, already.');
  }
}
