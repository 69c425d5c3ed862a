import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { importScript } from '../support/import-script';

interface Seen {
  uid: number;
  sha: string;
  key: string | null;
  flags: string[];
}

interface Row {
  sourceId: string;
  folder: string;
  isCurrent: boolean;
  uidValidity: string;
  genId: number;
  uid: number;
  outcome: string;
  reason: string | null;
  presence: string;
  copyId: string | null;
  sha: string | null;
  flags: number;
  ageMs: number;
}

interface Event {
  stream: string;
  epoch: number;
  seq: number;
  eventId: string;
  xact: string;
  type: string;
  ids: Record<string, unknown>;
}

interface Facts {
  shown: {
    mailbox: string;
    sourceId: string;
    tenantId: string;
    removals: string;
    folders: { path: string; uidValidity: string; uidNext: number; messages: Seen[] }[];
  }[];
  ledger: Row[];
  cursors: {
    sourceId: string;
    folder: string;
    uidValidity: string;
    uidNext: number | null;
    historyIsDone: boolean;
  }[];
  copies: {
    id: string;
    sourceId: string;
    tenantId: string;
    messageId: string;
    sha: string;
    isBeingRemoved: boolean;
    bytesSha: string | null;
  }[];
  messages: { id: string; tenantId: string; key: string; from: string }[];
  timelines: { tenantId: string; address: string; messageIds: string[] }[];
  outbox: Event[];
  streams: { sourceId: string; mailbox: string; epoch: number; nextSeq: number }[];
  orphansBeyondGrace: number;
}

interface Compare {
  violationsOf: (facts: Facts) => { kind: string; what: string; messageId?: string }[];
}

const letters = ['1', '2', '3'];
const sha = (key: string) => createHash('sha256').update(key).digest('hex');

/** A mailbox with three letters in INBOX and one in Trash, as the product holds it when all is well. */
function allIsWell(): Facts {
  const place = { sourceId: 'box', folder: 'INBOX', isCurrent: true, uidValidity: '7', genId: 1, ageMs: 1_000 };
  const recorded = { outcome: 'recorded', reason: null, presence: 'live', flags: 1 };
  const rows: Row[] = letters.map((key, at) => ({
    ...place,
    ...recorded,
    uid: at + 1,
    copyId: `copy${key}`,
    sha: sha(key),
  }));
  const inTrash = { ...place, folder: 'Trash', genId: 2, uid: 5, outcome: 'filtered', reason: 'folder-role' };
  const seen = letters.map((key, at): Seen => ({ uid: at + 1, sha: sha(key), key, flags: ['\\Seen'] }));
  const trash = { uid: 5, sha: sha('gone'), key: 'gone', flags: [] };
  return {
    shown: [
      {
        mailbox: 'box@example',
        sourceId: 'box',
        tenantId: 'one',
        removals: 'mirror',
        folders: [
          { path: 'INBOX', uidValidity: '7', uidNext: 4, messages: seen },
          { path: 'Trash', uidValidity: '7', uidNext: 6, messages: [trash] },
        ],
      },
    ],
    ledger: [...rows, { ...inTrash, presence: 'live', copyId: null, sha: null, flags: 0 }],
    cursors: [{ sourceId: 'box', folder: 'INBOX', uidValidity: '7', uidNext: 4, historyIsDone: true }],
    copies: letters.map((key) => ({
      id: `copy${key}`,
      sourceId: 'box',
      tenantId: 'one',
      messageId: `message${key}`,
      sha: sha(key),
      isBeingRemoved: false,
      bytesSha: sha(key),
    })),
    messages: letters.map((key) => ({ id: `message${key}`, tenantId: 'one', key, from: 'writer@customer.example' })),
    timelines: ['*', 'writer@customer.example'].map((address) => ({
      tenantId: 'one',
      address,
      messageIds: letters.map((key) => `message${key}`),
    })),
    outbox: [
      ...letters.map((key, at) => event(at + 1, 'message.recorded', { copyId: `copy${key}` })),
      event(4, 'placement.ended', { genId: 1, uids: [1, 2] }),
      event(5, 'placement.revived', { genId: 1, uids: [1, 2] }),
      event(6, 'message.recorded', { copyId: 'copygone' }),
      event(7, 'message.removed', { copyId: 'copygone' }),
    ],
    streams: [{ sourceId: 'box', mailbox: 'box@example', epoch: 1, nextSeq: 8 }],
    orphansBeyondGrace: 0,
  };
}

function event(seq: number, type: string, ids: Record<string, unknown>): Event {
  return { stream: 'box', epoch: 1, seq, eventId: `event${seq}`, xact: String(100 + seq), type, ids };
}

let compare: Compare;

beforeAll(async () => {
  compare = await importScript<Compare>('scripts/chaos/compare.mjs');
});

/** The kinds of what is found, each once, after something was done to the facts. */
function found(change: (facts: Facts) => void): string[] {
  const facts = allIsWell();
  change(facts);
  return [...new Set(compare.violationsOf(facts).map(({ kind }) => kind))].sort();
}

test('where the product holds what the server shows, nothing is found', () => {
  expect(compare.violationsOf(allIsWell())).toEqual([]);
});

describe('what is wrong is found', () => {
  test.each<[string, string[], (facts: Facts) => void]>([
    ['a row of the ledger is lost', ['lost'], (facts) => facts.ledger.splice(1, 1)],
    ['a row is there twice', ['doubled-row'], (facts) => facts.ledger.push({ ...facts.ledger[1]! })],
    ['a row stands for another UID', ['lost', 'not-on-server'], (facts) => (facts.ledger[1]!.uid = 9)],
    ['a row is of a retired generation', ['lost'], (facts) => (facts.ledger[1]!.isCurrent = false)],
    [
      'live mail is tombstoned',
      ['event-missing', 'live-mail-tombstoned'],
      (facts) => (facts.ledger[0]!.presence = 'tombstoned'),
    ],
    ['live mail has ended', ['event-missing', 'live-mail-ended'], (facts) => (facts.ledger[0]!.presence = 'ended')],
    ['live mail is about to be removed', ['live-mail-tombstoned'], (facts) => (facts.copies[0]!.isBeingRemoved = true)],
    ['mail is parked', ['not-recorded'], (facts) => (facts.ledger[0]!.outcome = 'parked')],
    ['mail in scope is filtered', ['not-recorded'], (facts) => (facts.ledger[0]!.outcome = 'filtered')],
    [
      'bytes are stored for six minutes and not decided',
      ['not-recorded', 'undecided'],
      (facts) => Object.assign(facts.ledger[0]!, { outcome: 'stored', ageMs: 360_000 }),
    ],
    [
      'mail in Trash has no row',
      ['lost'],
      (facts) => (facts.ledger = facts.ledger.filter(({ folder }) => folder !== 'Trash')),
    ],
    [
      'a row stays live when its message has gone',
      ['not-on-server', 'not-removed'],
      (facts) => facts.shown[0]!.folders[0]!.messages.pop(),
    ],
    ['flags are not followed', ['wrong-flags'], (facts) => (facts.ledger[0]!.flags = 5)],
    [
      'a UID stands for other bytes',
      ['not-removed', 'wrong-bytes'],
      (facts) => (facts.shown[0]!.folders[0]!.messages[0]!.sha = sha('other')),
    ],
    ['bytes are other ones when they are read', ['wrong-bytes'], (facts) => (facts.copies[0]!.bytesSha = sha('x'))],
    ['bytes cannot be read', ['wrong-bytes'], (facts) => (facts.copies[0]!.bytesSha = null)],
    ['the cursor is ahead of the server', ['cursor'], (facts) => (facts.cursors[0]!.uidNext = 5)],
    ['a folder is not followed', ['no-cursor'], (facts) => facts.cursors.pop()],
    ['history is not imported', ['history-open'], (facts) => (facts.cursors[0]!.historyIsDone = false)],
    [
      'a copy is there twice',
      ['doubled-copy', 'event-missing'],
      (facts) => facts.copies.push({ ...facts.copies[0]!, id: 'again' }),
    ],
    ['a copy is lost', ['lost', 'message-without-copy', 'vanished-copy'], (facts) => facts.copies.splice(0, 1)],
    [
      'a letter is two messages',
      ['doubled-message', 'message-without-copy', 'not-in-timeline'],
      (facts) => facts.messages.push({ ...facts.messages[0]!, id: 'again' }),
    ],
    ['a message is in no timeline', ['not-in-timeline'], (facts) => facts.timelines[1]!.messageIds.pop()],
    [
      'a message is in a timeline twice',
      ['doubled-in-timeline'],
      (facts) => facts.timelines[1]!.messageIds.push('message1'),
    ],
    [
      "a message is in somebody else's timeline",
      ['extra-in-timeline'],
      (facts) => facts.timelines.push({ tenantId: 'one', address: 'other@example', messageIds: ['message1'] }),
    ],
    ['a number is left out', ['event-missing', 'event-number'], (facts) => facts.outbox.splice(1, 1)],
    ['a number is there twice', ['event-number'], (facts) => (facts.outbox[1]!.seq = 1)],
    ['the counter is behind', ['event-number'], (facts) => (facts.streams[0]!.nextSeq = 7)],
    ['events have changed places', ['event-order'], (facts) => swapTransactions(facts.outbox)],
    [
      'an event is told twice under numbers of its own',
      ['event-doubled', 'event-story'],
      (facts) => {
        facts.outbox.push({ ...facts.outbox[0]!, seq: 8, xact: '108' });
        facts.streams[0]!.nextSeq = 9;
      },
    ],
    [
      'a copy is told of twice',
      ['event-story'],
      (facts) => {
        facts.outbox.push(event(8, 'message.recorded', { copyId: 'copy1' }));
        facts.streams[0]!.nextSeq = 9;
      },
    ],
    [
      'a copy is told to be removed and is there',
      ['event-story'],
      (facts) => {
        facts.outbox.push(event(8, 'message.removed', { copyId: 'copy1' }));
        facts.streams[0]!.nextSeq = 9;
      },
    ],
    [
      'a placement is told to have ended and is live',
      ['event-missing'],
      (facts) => {
        facts.outbox.push(event(8, 'placement.ended', { genId: 1, uids: [3] }));
        facts.streams[0]!.nextSeq = 9;
      },
    ],
    [
      'a placement is told to have ended twice',
      ['event-missing', 'event-story'],
      (facts) => {
        facts.outbox.push(event(8, 'placement.ended', { genId: 1, uids: [3] }));
        facts.outbox.push(event(9, 'placement.ended', { genId: 1, uids: [3] }));
        facts.streams[0]!.nextSeq = 10;
      },
    ],
    ['a mailbox that keeps has lost mail', ['removed-though-kept'], (facts) => (facts.shown[0]!.removals = 'keep')],
    ['bytes without a row are left for ever', ['orphan-bytes'], (facts) => (facts.orphansBeyondGrace = 1)],
  ])('%s', (_, kinds, change) => {
    expect(found(change)).toEqual(kinds);
  });
});

function swapTransactions(outbox: Event[]): void {
  [outbox[0]!.xact, outbox[1]!.xact] = [outbox[1]!.xact, outbox[0]!.xact];
}

test('what was found names its message, so that the trail of it can be shown', () => {
  const facts = allIsWell();
  facts.ledger[0]!.presence = 'tombstoned';
  expect(compare.violationsOf(facts)).toContainEqual(expect.objectContaining({ messageId: 'message1' }));
});

test('rest is waited for as long as the pauses of audits may be, which are as long as there were strikes', async () => {
  const { quietWithinMs } = await importScript<{ quietWithinMs: (struckForMs: number) => number }>(
    'scripts/chaos/quiet.mjs',
  );
  expect([0, 180_000, 3_600_000].map(quietWithinMs)).toEqual([240_000, 240_000, 3_660_000]);
});

test('content in a log is found, ids are not', async () => {
  const { leaksIn } = await importScript<{ leaksIn: (dir: string) => { what: string }[] }>(
    'scripts/chaos/log-leaks.mjs',
  );
  const dir = mkdtempSync(join(tmpdir(), 'letterbook-logs-'));
  try {
    writeFileSync(join(dir, 'api.log'), '{"mailboxId":"mbx_0192f0c1","uid":7}\n');
    expect(leaksIn(dir)).toEqual([]);
    writeFileSync(join(dir, 'worker.log'), 'well\nKey (address_key)=(box1@chaos.example) already exists.\n');
    expect(leaksIn(dir)).toEqual([expect.objectContaining({ what: expect.stringContaining('worker.log') as unknown })]);
  } finally {
    rmSync(dir, { recursive: true });
  }
});

test('what npm run verify has found is named one by one, with the id by which a trail is asked for', async () => {
  const { namedViolations } = await importScript<{ namedViolations: (report: object) => object[] }>(
    'scripts/chaos/verified.mjs',
  );
  const tenantId = 'tnt_01a204a47dc070e58ff35ac93aef4f52';
  const report = {
    mailboxes: [
      {
        tenantId,
        mailboxId: 'mbx_01a204a6301670c8a6cab0168fb562c7',
        violations: [
          { invariant: 'missing', uid: 7, says: 'It is missing.' },
          { invariant: 'bytes-missing', messageId: 'msg_01a204a816647018b3b366872b515b5a', says: 'No bytes.' },
        ],
      },
    ],
    tenants: [{ tenantId, violations: [{ invariant: 'dangling', says: 'Nobody has it.' }] }],
  };
  const named = namedViolations(report);
  expect(named).toHaveLength(3);
  expect(named[0]).toMatchObject({ kind: 'verify', tenantId: '01a204a4-7dc0-70e5-8ff3-5ac93aef4f52' });
  expect(named[0]).not.toHaveProperty('messageId');
  expect(named[1]).toMatchObject({ messageId: '01a204a8-1664-7018-b3b3-66872b515b5a' });
});
