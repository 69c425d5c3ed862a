import type { z } from 'zod';

import type { RecordFile } from '../../db/activities/files';
import type { ActivityNote } from '../../db/activities/note-read';
import type { ShownActivity, ShownParty } from '../../db/activities/read';
import type { ActivityType } from '../../db/activities/types';
import type { Level } from '../../db/timeline-read';
import { normaliseAddress } from '../../domain/address';
import { publicId } from '../../domain/ids';
import {
  headerSchema,
  type activityNoteSchema,
  type activitySchema,
  type activityTypeSchema,
  type recordFileSchema,
} from './schemas';

/** The ETag of what counts its versions. */
export function etagOfVersion({ version }: { version: number }): string {
  return `"${String(version)}"`;
}

const levelNames = { 1: 'metadata', 2: 'subject', 3: 'full' } as const satisfies Record<Level, string>;

/** An activity for an answer. */
export function presentActivity(activity: ShownActivity): z.output<typeof activitySchema> {
  const { type, status, calendarSync, subject, hasAttachments } = activity;
  const of = (kind: ShownParty['kind']) => activity.parties.filter((party) => party.kind === kind);
  const idsOf = (kind: ShownParty['kind']) => of(kind).flatMap((party) => publicRecord(party.recordId) ?? []);
  const companyIds = idsOf('company');
  const nameOf = namesIn(activity);
  return {
    id: publicId('activity', activity.id),
    messageId: publicId('message', activity.messageId),
    threadId: publicId('thread', activity.threadId),
    type,
    status,
    calendarSync,
    ownerUserId: activity.ownerUserId === null ? null : publicId('user', activity.ownerUserId),
    companyId: companyIds.length === 1 ? (companyIds[0] ?? null) : null,
    companyIds,
    projectIds: idsOf('project'),
    participants: activity.parties.flatMap((party) =>
      isParticipant(party)
        ? [
            {
              kind: party.kind,
              ...stands(party, nameOf),
              userId: party.userId === null ? null : publicId('user', party.userId),
            },
          ]
        : [],
    ),
    externalParticipants: activity.parties
      .filter((party) => party.addressKey !== null && !isParticipant(party))
      .map((party) => stands(party, nameOf)),
    sortAt: activity.sortAt.toISOString(),
    subject,
    hasAttachments,
    level: levelNames[activity.level],
    changedByPerson: activity.touched,
    createdAt: activity.createdAt.toISOString(),
    updatedAt: activity.updatedAt.toISOString(),
  };
}

/** That an address is a contact's is not told to who may not see the contact: to them it is anybody's. */
function isParticipant(party: ShownParty): party is ShownParty & { kind: 'user' | 'contact' } {
  return party.kind === 'user' || (party.kind === 'contact' && party.recordId !== null);
}

function publicRecord(recordId: string | null): string | null {
  return recordId === null ? null : publicId('record', recordId);
}

function stands({ header, addressKey, recordId }: ShownParty, nameOf: (key: string) => string) {
  const address = addressKey ?? '';
  return { header: headerSchema.parse(header), address, name: nameOf(address), recordId: publicRecord(recordId) };
}

/** The names that people have in the message, by address. */
function namesIn({ names }: ShownActivity): (key: string) => string {
  const known = new Map<string, string>();
  for (const { name, address } of names) {
    const key = normaliseAddress(address);
    if (key !== null && name !== '' && !known.has(key)) known.set(key, name);
  }
  return (key) => known.get(key) ?? '';
}

/** A note for an answer. */
export function presentNote(note: ActivityNote): z.output<typeof activityNoteSchema> {
  const { type, status, direction, ownerUserId } = note;
  return {
    id: publicId('activity', note.id),
    type,
    status,
    ownerUserId: ownerUserId === null ? null : publicId('user', ownerUserId),
    direction,
    sortAt: note.sortAt.toISOString(),
    recordIds: note.recordIds.map((id) => publicId('record', id)),
    createdAt: note.createdAt.toISOString(),
  };
}

/** A file of a record for an answer. */
export function presentFile(file: RecordFile): z.output<typeof recordFileSchema> {
  const { n, filename, contentType, encodedSize, kept } = file;
  const messageId = publicId('message', file.messageId);
  const url = `/v1/messages/${messageId}/attachments/${String(n)}`;
  return { messageId, n, filename, contentType, encodedSize, kept, url, sortAt: file.sortAt.toISOString() };
}

/** A type of activity for an answer. */
export function presentType(type: ActivityType): z.output<typeof activityTypeSchema> {
  const { name, statuses, calendarSync } = type;
  const times = { createdAt: type.createdAt.toISOString(), updatedAt: type.updatedAt.toISOString() };
  return { type: type.type, name, statuses, calendarSync, ...times };
}
