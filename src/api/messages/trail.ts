import type { z } from 'zod';

import type { MessageDetail } from '../../db/messages';
import type { CopyPlacement, MessageCopy } from '../../db/messages-copies';
import { publicId } from '../../domain/ids';
import { outcomeName, presenceName } from '../../domain/ledger';
import { reasonWords } from './presenter';
import type { trailSchema } from './schemas';

type Event = z.output<typeof trailSchema>['items'][number];

type Where = Omit<Event, 'at' | 'event' | 'words'>;

const nowhere: Where = { sourceId: null, copyId: null, folder: null, uidValidity: null, uid: null, recordId: null };

/** What happened to a message, oldest first, as far as its copies, placements and links tell. */
export function trailOf(message: MessageDetail): Event[] {
  const events = [...sentEvent(message), ...message.copies.flatMap(copyEvents), ...linkEvents(message)];
  return events.sort((one, other) => one.at.localeCompare(other.at));
}

function sentEvent({ sentAt }: MessageDetail): Event[] {
  if (sentAt === null) return [];
  return [{ ...nowhere, at: sentAt.toISOString(), event: 'sent', words: 'Sent, as its Date header says.' }];
}

function copyEvents(copy: MessageCopy): Event[] {
  const at: Where = { ...nowhere, sourceId: publicId('mailbox', copy.sourceId), copyId: publicId('copy', copy.id) };
  const recorded: Event = {
    ...at,
    at: copy.recordedAt.toISOString(),
    event: 'recorded',
    words: copy.rawState === 'none' ? 'Recorded; no bytes of it are kept.' : 'Recorded, its bytes are kept.',
  };
  return [recorded, ...copy.placements.flatMap((placement) => placementEvents(at, placement))];
}

function placementEvents(of: Where, placement: CopyPlacement): Event[] {
  const { folder, uidValidity, uid } = placement;
  const at: Where = { ...of, folder, uidValidity, uid };
  const events: Event[] = [
    { ...at, at: placement.recordedAt, event: 'seen', words: `Seen in the folder; ${outcomeName(placement.outcome)}.` },
  ];
  if (placement.internalDate !== null) {
    events.push({ ...at, at: placement.internalDate, event: 'received', words: 'Received by the mail server.' });
  }
  if (placement.presenceAt !== null && placement.presence !== 1) {
    const words = `No longer in the folder; ${presenceName(placement.presence)}.`;
    events.push({ ...at, at: placement.presenceAt, event: 'left', words });
  }
  return events;
}

function linkEvents({ links }: MessageDetail): Event[] {
  return links.flatMap((link) =>
    link.reasons.map((reason) => ({
      ...nowhere,
      at: reason.createdAt.toISOString(),
      event: 'linked' as const,
      words: reasonWords(reason),
      recordId: publicId('record', link.recordId),
    })),
  );
}
