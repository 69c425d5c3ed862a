import type { z } from 'zod';

import type { MessageDetail } from '../../db/messages';
import type { CopyPlacement, MessageCopy } from '../../db/messages-copies';
import type { CopyHistory, FailedPlacement, PutRight, RemovedCopy } from '../../db/messages-trail';
import { publicId } from '../../domain/ids';
import type { Language } from '../../domain/languages';
import { outcomeName, presenceName } from '../../domain/ledger';
import { linkReasonSentence } from '../../domain/link-words';
import type { trailSchema } from './schemas';

type Event = z.output<typeof trailSchema>['items'][number];

type Where = Omit<Event, 'at' | 'event' | 'words'>;

const nowhere: Where = {
  sourceId: null,
  copyId: null,
  folder: null,
  uidValidity: null,
  uid: null,
  recordId: null,
  operationId: null,
  runId: null,
};

/**
 * What happened to a message, oldest first, as far as its copies, placements, failures and links tell; and its removed copies. Null: it is no more,
 * and only they tell of it.
 */
export function trailOf(
  message: MessageDetail | null,
  told: { histories: CopyHistory[]; removed: RemovedCopy[]; putRight: PutRight[]; language: Language },
): Event[] {
  const historyOf = new Map(told.histories.map((history) => [history.copyId, history]));
  const copies = (message?.copies ?? []).flatMap((copy) => copyEvents(copy, historyOf.get(copy.id)));
  const ofMessage = message === null ? [] : [...sentEvent(message), ...linkEvents(message, historyOf, told.language)];
  const later = [...told.removed.flatMap(removedEvents), ...told.putRight.map(putRightEvent)];
  const events = [...ofMessage, ...copies, ...later];
  return events.sort((one, other) => one.at.localeCompare(other.at));
}

function removedEvents(copy: RemovedCopy): Event[] {
  const { copyId, sourceId, recordedAt, removedAt, placed } = copy;
  const of: Where = { ...nowhere, sourceId: publicId('mailbox', sourceId), copyId: publicId('copy', copyId) };
  const removed: Event = {
    ...of,
    at: removedAt.toISOString(),
    event: 'removed',
    words: 'Removed here, as on the mail server.',
    runId: copy.removedRunId,
  };
  const told = { ...of, event: 'recorded' as const, words: 'Recorded; removed since.', runId: copy.recordedRunId };
  const recorded: Event[] = recordedAt === null ? [] : [{ ...told, at: recordedAt.toISOString() }];
  if (placed === null) return [...recorded, removed];
  const { seenAt, leftAt, seenRunId, leftRunId, ...where } = placed;
  const at: Where = { ...of, ...where };
  const left: Event[] =
    leftAt === null ? [] : [{ ...at, at: leftAt, event: 'left', words: 'No longer in the folder.', runId: leftRunId }];
  const seen: Event = { ...at, at: seenAt, event: 'seen', words: 'Seen in the folder.', runId: seenRunId };
  return [seen, ...recorded, ...left, removed];
}

const putRightWords = {
  'message.updated': ['updated', 'Read again from its bytes; what differed is put right.'],
  'message.completed': ['completed', 'Fetched whole; its header alone was kept before.'],
  'message.joined': ['joined', 'Kept by its header alone; found to be this message, which another mailbox has whole.'],
} as const;

function putRightEvent({ kind, copyId, sourceId, at, runId }: PutRight): Event {
  const [event, words] = putRightWords[kind];
  const of: Where = { ...nowhere, sourceId: publicId('mailbox', sourceId), copyId: publicId('copy', copyId), runId };
  return { ...of, at: at.toISOString(), event, words };
}

function sentEvent({ sentAt }: MessageDetail): Event[] {
  if (sentAt === null) return [];
  return [{ ...nowhere, at: sentAt.toISOString(), event: 'sent', words: 'Sent, as its Date header says.' }];
}

function copyEvents(copy: MessageCopy, history: CopyHistory | undefined): Event[] {
  const at: Where = { ...nowhere, sourceId: publicId('mailbox', copy.sourceId), copyId: publicId('copy', copy.id) };
  const recorded: Event = {
    ...at,
    at: copy.recordedAt.toISOString(),
    event: 'recorded',
    words: recordedWords(copy),
    runId: history?.runId ?? null,
  };
  return [
    ...readEvents(at, copy, history),
    recorded,
    ...(history === undefined ? [] : historyEvents(at, history)),
    ...copy.placements.flatMap((placement) => placementEvents(at, placement, history?.failures ?? [])),
    ...movedEvents(at, copy.placements),
  ];
}

/** No time of its own is kept of either: they were done when the bytes were stored, and when the copy was recorded. */
function readEvents(of: Where, copy: MessageCopy, history: CopyHistory | undefined): Event[] {
  if (history === undefined) return [];
  const recordedAt = copy.recordedAt.toISOString();
  const fetchedAt = history.storedAt?.toISOString() ?? recordedAt;
  const version = String(history.parserVersion);
  return [
    {
      ...of,
      at: fetchedAt,
      event: 'fetched',
      words: 'Fetched from the mail server by then.',
      runId: storingRun(history),
    },
    {
      ...of,
      at: recordedAt,
      event: 'parsed',
      words: `Read by parser version ${version} by then.`,
      runId: history.runId,
    },
  ];
}

/** Bytes that were there when the message was parked were stored by the run that parked it, and not by the replay that has recorded it. */
function storingRun({ storedAt, storedRunId, failures }: CopyHistory): string | null {
  const stored = storedAt?.toISOString();
  const parked = failures.find(({ parkedAt }) => stored !== undefined && stored <= parkedAt);
  return parked === undefined ? storedRunId : parked.parkedRunId;
}

function recordedWords({ rawState }: MessageCopy): string {
  return rawState === 'none' ? 'Recorded; no bytes of it are kept.' : 'Recorded, its bytes are kept.';
}

function historyEvents(at: Where, history: CopyHistory): Event[] {
  const { storedAt, failures } = history;
  const told = { ...at, event: 'stored' as const, words: 'Its bytes are stored.', runId: storingRun(history) };
  const stored: Event[] = storedAt === null ? [] : [{ ...told, at: storedAt.toISOString() }];
  return [...stored, ...failures.flatMap((failure) => failureEvents(at, failure))];
}

function failureEvents(of: Where, failure: FailedPlacement): Event[] {
  const { folder, uidValidity, uid, code, attempts, parkedAt, replayedAt, operationId } = failure;
  const at: Where = { ...of, folder, uidValidity, uid };
  const parked: Event = {
    ...at,
    at: parkedAt,
    event: 'parked',
    words: `Could not be read: ${code}.`,
    runId: failure.parkedRunId,
  };
  if (replayedAt === null) return [parked];
  const by = operationId === null ? null : publicId('operation', operationId);
  const words = `Replayed, and read at try ${String(attempts)}.`;
  return [parked, { ...at, at: replayedAt, event: 'replayed', words, operationId: by, runId: failure.replayRunId }];
}

/** A UID that has ended while another of the same copy was seen since it began: the message was moved, or copied and deleted. */
function movedEvents(of: Where, placements: CopyPlacement[]): Event[] {
  return placements.flatMap(({ presence, presenceAt, presenceRunId, recordedAt, folder }) => {
    if (presence === 1 || presenceAt === null) return [];
    const next = placements.find((other) => other.folder !== folder && other.recordedAt > recordedAt);
    if (next === undefined) return [];
    const [at, runId] = next.recordedAt > presenceAt ? [next.recordedAt, next.runId] : [presenceAt, presenceRunId];
    const where = { ...of, folder: next.folder, uidValidity: next.uidValidity, uid: next.uid, runId };
    return [{ ...where, at, event: 'moved' as const, words: 'Moved here from another folder.' }];
  });
}

function placementEvents(of: Where, placement: CopyPlacement, failures: FailedPlacement[]): Event[] {
  const { folder, uidValidity, uid } = placement;
  const at: Where = { ...of, folder, uidValidity, uid };
  const events: Event[] = [
    {
      ...at,
      at: placement.recordedAt,
      event: 'seen',
      words: `Seen in the folder; ${outcomeThen(placement, failures)}.`,
      runId: placement.runId,
    },
  ];
  if (placement.internalDate !== null) {
    events.push({ ...at, at: placement.internalDate, event: 'received', words: 'Received by the mail server.' });
  }
  if (placement.presenceAt !== null && placement.presence !== 1) {
    const words = `No longer in the folder; ${presenceName(placement.presence)}.`;
    events.push({ ...at, at: placement.presenceAt, event: 'left', words, runId: placement.presenceRunId });
  }
  return events;
}

/** The row of a message that was parked first keeps the time of that, and has the outcome of its replay. */
function outcomeThen(
  { folder, uidValidity, uid, outcome, recordedAt }: CopyPlacement,
  failures: FailedPlacement[],
): string {
  const wasParked = failures.some(
    (one) =>
      one.folder === folder &&
      one.uidValidity === uidValidity &&
      one.uid === uid &&
      one.parkedAt <= recordedAt &&
      (one.replayedAt ?? recordedAt) >= recordedAt,
  );
  return wasParked ? 'parked' : outcomeName(outcome);
}

/** Links that were made in the transaction that recorded a copy, which is told by its time, are of the same run. */
function linkEvents(
  { links, copies }: MessageDetail,
  historyOf: Map<string, CopyHistory>,
  language: Language,
): Event[] {
  const runAt = new Map(copies.map(({ id, recordedAt }) => [recordedAt.getTime(), historyOf.get(id)?.runId ?? null]));
  return links.flatMap((link) =>
    link.reasons.map((reason) => ({
      ...nowhere,
      at: reason.createdAt.toISOString(),
      event: reason.kind === 'address' || reason.kind === 'rule' ? ('matched' as const) : ('linked' as const),
      words: linkReasonSentence({ ...reason, recordType: link.type }, language),
      recordId: publicId('record', link.recordId),
      runId: reason.kind === 'person' ? null : (runAt.get(reason.createdAt.getTime()) ?? null),
    })),
  );
}
