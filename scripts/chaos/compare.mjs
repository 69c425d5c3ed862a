// @ts-check
import { foldersLeftOut } from './account.mjs';
import { ledgerViolations } from './compare-ledger.mjs';
import { outboxViolations } from './compare-outbox.mjs';
import { grouped } from './grouped.mjs';

/**
 * What is compared: what an independent client sees on the server, and what the product holds. Plain values, so that a test can change any of them.
 * @typedef {import('./oracle.mjs').SeenFolder} SeenFolder
 * @typedef {{mailbox: string, sourceId: string, tenantId: string, removals: 'keep' | 'mirror', folders: SeenFolder[]}} Shown a mailbox as the server shows it
 *
 * @typedef {object} LedgerRow
 * @property {string} sourceId
 * @property {string} folder
 * @property {boolean} isCurrent its folder is there, and its generation is the one that is followed
 * @property {string} uidValidity
 * @property {number} genId
 * @property {number} uid
 * @property {Outcome} outcome
 * @property {string | null} reason
 * @property {Presence} presence
 * @property {string | null} copyId
 * @property {string | null} sha
 * @property {number} flags
 * @property {number} ageMs
 *
 * @typedef {'stored' | 'recorded' | 'filtered' | 'headers-only' | 'parked'} Outcome
 * @typedef {'live' | 'ended' | 'tombstoned'} Presence
 * @typedef {{sourceId: string, folder: string, uidValidity: string, uidNext: number | null, historyIsDone: boolean}} CursorRow of current generations
 * @typedef {{id: string, sourceId: string, tenantId: string, messageId: string, sha: string, isBeingRemoved: boolean, bytesSha: string | null}} CopyRow `bytesSha`: of what the API gives out
 * @typedef {{id: string, tenantId: string, key: string, from: string}} MessageRow
 * @typedef {{tenantId: string, address: string, messageIds: string[]}} TimelineSeen what the API shows of a record; address `*`: of all mail
 *
 * @typedef {object} Facts
 * @property {Shown[]} shown
 * @property {LedgerRow[]} ledger
 * @property {CursorRow[]} cursors
 * @property {CopyRow[]} copies
 * @property {MessageRow[]} messages
 * @property {TimelineSeen[]} timelines
 * @property {import('./compare-outbox.mjs').OutboxRow[]} outbox
 * @property {import('./compare-outbox.mjs').StreamRow[]} streams
 * @property {number} orphansBeyondGrace blobs that nothing refers to, older than the sweep would leave them
 *
 * @typedef {{kind: string, what: string, tenantId?: string, messageId?: string}} Violation
 */

/** Everything that is wrong. @param {Facts} facts @returns {Violation[]} */
export function violationsOf(facts) {
  return [
    ...ledgerViolations(facts),
    ...cursorViolations(facts),
    ...copyViolations(facts),
    ...messageViolations(facts),
    ...timelineViolations(facts),
    ...outboxViolations(facts),
    ...(facts.orphansBeyondGrace === 0
      ? []
      : [
          { kind: 'orphan-bytes', what: `${facts.orphansBeyondGrace} blobs that nothing refers to outlived the sweep` },
        ]),
  ];
}

/** How many single statements the comparison is about. @param {Facts} facts */
export function comparedIn({ shown, ledger, copies, messages, outbox }) {
  const onServer = shown
    .flatMap(({ folders }) => folders.map(({ messages: seen }) => seen.length))
    .reduce((sum, n) => sum + n, 0);
  return { onServer, ledger: ledger.length, copies: copies.length, messages: messages.length, events: outbox.length };
}

/** @param {Pick<Facts, 'shown' | 'cursors'>} facts @returns {Violation[]} */
function cursorViolations({ shown, cursors }) {
  const at = new Map(cursors.map((cursor) => [`${cursor.sourceId} ${cursor.folder} ${cursor.uidValidity}`, cursor]));
  return shown.flatMap(({ mailbox, sourceId, folders }) =>
    folders
      .filter(({ path }) => !foldersLeftOut.includes(path))
      .flatMap(({ path, uidValidity, uidNext }) => {
        const cursor = at.get(`${sourceId} ${path} ${uidValidity}`);
        const named = `${mailbox} ${path}`;
        if (cursor === undefined) return [{ kind: 'no-cursor', what: `${named} is not followed` }];
        if (!cursor.historyIsDone) return [{ kind: 'history-open', what: `the history of ${named} is not done` }];
        if (cursor.uidNext === null || cursor.uidNext > uidNext)
          return [{ kind: 'cursor', what: `the cursor of ${named} is ${cursor.uidNext}, the next UID ${uidNext}` }];
        return [];
      }),
  );
}

/**
 * Copies: one for each mailbox and bytes, with bytes that are what their hash says; of a mirrored mailbox only what is there, of another one
 * everything that is there.
 * @param {Facts} facts @returns {Violation[]}
 */
function copyViolations({ shown, copies, messages }) {
  /** @type {Violation[]} */
  const found = [];
  const known = new Set(messages.map(({ id }) => id));
  const there = new Map(shown.map((mailbox) => [mailbox.sourceId, { mailbox, shas: shasOf(mailbox) }]));
  const once = new Set();
  for (const { id, sourceId, tenantId, messageId, sha, bytesSha, isBeingRemoved } of copies) {
    const about = { tenantId, messageId };
    if (once.has(`${sourceId} ${sha}`))
      found.push({ kind: 'doubled-copy', what: `copy ${id} is there twice`, ...about });
    once.add(`${sourceId} ${sha}`);
    if (!known.has(messageId)) found.push({ kind: 'lost', what: `copy ${id} has no message`, ...about });
    if (bytesSha !== sha)
      found.push({
        kind: 'wrong-bytes',
        what: `copy ${id} gives out ${bytesSha === null ? 'nothing' : 'other bytes'}`,
        ...about,
      });
    const at = there.get(sourceId);
    if (at?.mailbox.removals === 'mirror' && !at.shas.has(sha))
      found.push({
        kind: 'not-removed',
        what: `copy ${id} of ${at.mailbox.mailbox} is on no server${isBeingRemoved ? ', and still waits' : ''}`,
        ...about,
      });
  }
  return found;
}

/** What counts as being in the mailbox. @param {Shown} mailbox */
function shasOf({ folders }) {
  return new Set(
    folders
      .filter(({ path }) => !foldersLeftOut.includes(path))
      .flatMap(({ messages }) => messages.map(({ sha }) => sha)),
  );
}

/** A letter is one message of a tenant, in however many mailboxes it is. @param {Facts} facts @returns {Violation[]} */
function messageViolations({ messages, copies }) {
  const carried = new Set(copies.map(({ messageId }) => messageId));
  return [...grouped(messages, ({ tenantId, key }) => `${tenantId} ${key}`).values()].flatMap((same) => {
    const [{ id, key, tenantId } = { id: '', key: '', tenantId: '' }] = same;
    const about = { tenantId, messageId: id };
    return [
      ...(same.length > 1
        ? [{ kind: 'doubled-message', what: `letter ${key} is ${same.length} messages`, ...about }]
        : []),
      ...(same.every((one) => carried.has(one.id))
        ? []
        : [{ kind: 'message-without-copy', what: `letter ${key} has no copy`, ...about }]),
    ];
  });
}

/** What the API shows of each record, and of all mail, is each message that belongs there, once. @param {Facts} facts @returns {Violation[]} */
function timelineViolations({ timelines, messages }) {
  return timelines.flatMap(({ tenantId, address, messageIds }) => {
    const wanted = messages.filter(
      (message) => message.tenantId === tenantId && (address === '*' || message.from === address),
    );
    const times = grouped(messageIds, (id) => id);
    const missing = wanted.filter(({ id }) => !times.has(id));
    const belongs = new Set(wanted.map(({ id }) => id));
    const named = address === '*' ? 'the list of all mail' : `the timeline of ${address}`;
    return [
      ...missing.map(({ id, key }) => ({
        kind: 'not-in-timeline',
        what: `letter ${key} is not in ${named}`,
        tenantId,
        messageId: id,
      })),
      ...[...times]
        .filter(([, all]) => all.length > 1)
        .map(([messageId]) => ({
          kind: 'doubled-in-timeline',
          what: `message ${messageId} is in ${named} twice`,
          tenantId,
          messageId,
        })),
      ...[...times.keys()]
        .filter((id) => !belongs.has(id))
        .map((messageId) => ({
          kind: 'extra-in-timeline',
          what: `message ${messageId} does not belong to ${named}`,
          tenantId,
          messageId,
        })),
    ];
  });
}
