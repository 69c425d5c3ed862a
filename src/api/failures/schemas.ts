import { z } from 'zod';

import type { Failure } from '../../db/failures';
import { publicId } from '../../domain/ids';
import { time, timeOrNull } from '../fields';

export const failureKinds = [
  'unreachable',
  'busy',
  'credentials',
  'cursor-lost',
  'unreadable',
  'refused',
  'gone',
] as const;
export const failureStates = ['parked', 'replayed', 'accepted'] as const;

/** A failure as every answer shows it. */
export const failureSchema = z.object({
  id: z.string().describe('fai_...'),
  mailboxId: z.string(),
  folder: z.string(),
  uidValidity: z.string(),
  uid: z.int(),
  kind: z.string(),
  code: z.string().describe('What broke'),
  detail: z.record(z.string(), z.union([z.string(), z.number()])).describe('Numbers and names of limits'),
  attempts: z.int(),
  versions: z.record(z.string(), z.union([z.string(), z.number()])).describe('Of what tried it last'),
  state: z.enum(failureStates),
  firstFailedAt: time,
  lastFailedAt: time,
  nextTryAt: time.nullable().describe('When the server is asked again for a message that it did not deliver'),
  replayedAt: time.nullable(),
  accepted: z.object({ at: time, by: z.string(), reason: z.string() }).nullable(),
  sha256: z.string().nullable(),
  size: z.int().nullable(),
  hasRaw: z.boolean(),
  messageId: z.string().nullable().describe('What it became, where it was read after all'),
});

/** A failure for an answer. */
export function presentFailure(failure: Failure): z.output<typeof failureSchema> {
  const { folder, uidValidity, uid, kind, code, detail, attempts, versions, state, sha256, size } = failure;
  return {
    id: publicId('failure', failure.id),
    mailboxId: publicId('mailbox', failure.sourceId),
    folder,
    uidValidity,
    uid,
    kind,
    code,
    detail,
    attempts,
    versions,
    state,
    firstFailedAt: failure.firstFailedAt.toISOString(),
    lastFailedAt: failure.lastFailedAt.toISOString(),
    nextTryAt: timeOrNull(failure.nextTryAt),
    replayedAt: timeOrNull(failure.replayedAt),
    accepted: acceptanceOf(failure),
    sha256,
    size,
    hasRaw: failure.blobId !== null,
    messageId: failure.messageId === null ? null : publicId('message', failure.messageId),
  };
}

function acceptanceOf({ acceptedAt, acceptedBy, acceptedReason }: Failure) {
  if (acceptedAt === null || acceptedBy === null || acceptedReason === null) return null;
  return { at: acceptedAt.toISOString(), by: acceptedBy, reason: acceptedReason };
}
