import type { OpenLinkOperation } from '../../db/thread-links/begin';
import { publicId } from '../../domain/ids';
import { Problem } from '../problem';
import { conflict, invalidField } from '../problems';

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

/** 400: the body names a record that there is not, or that the key may not see. */
export function unknownRecord(field: string): Problem {
  return invalidField(field, 'is no record that this key may see.', 'Give the id of a record, like rec_0192f0c1...');
}

/** 400: the body names a message that there is not, or that the key may not see. */
export function unknownMessage(field: string): Problem {
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
