// @ts-check
import { foldersLeftOut } from './account.mjs';
import { grouped } from './grouped.mjs';

/** @typedef {import('./compare.mjs').Facts} Facts */
/** @typedef {import('./compare.mjs').LedgerRow} LedgerRow */
/** @typedef {import('./compare.mjs').CopyRow} CopyRow */
/** @typedef {import('./compare.mjs').Violation} Violation */
/** @typedef {Map<string, CopyRow>} Copies by id */

const undecidedMs = 300_000;
/** As placement.flags has them. */
const flagBits = new Map([
  ['\\Seen', 1],
  ['\\Answered', 2],
  ['\\Flagged', 4],
]);
const comparedFlags = 1 | 2 | 4;

/**
 * The ledger beside the server: each message that is there has one live row with the right bytes and flags, and no row is live that is not there.
 * @param {Pick<Facts, 'shown' | 'ledger' | 'copies'>} facts @returns {Violation[]}
 */
export function ledgerViolations({ shown, ledger, copies }) {
  const bySource = grouped(ledger, ({ sourceId }) => sourceId);
  const copyOf = new Map(copies.map((copy) => [copy.id, copy]));
  const undecided = ledger.filter(({ outcome, ageMs }) => outcome === 'stored' && ageMs > undecidedMs);
  return [
    ...shown.flatMap((mailbox) => mailboxViolations(mailbox, bySource.get(mailbox.sourceId) ?? [], copyOf)),
    ...undecided.map((row) => ({
      kind: 'undecided',
      what: `${row.sourceId} ${placeOf(row)} is stored for ${Math.round(row.ageMs / 1_000)} s`,
    })),
  ];
}

/** @param {import('./compare.mjs').Shown} shown @param {LedgerRow[]} ledger of the mailbox @param {Copies} copyOf @returns {Violation[]} */
function mailboxViolations({ mailbox, folders }, ledger, copyOf) {
  const rowsAt = grouped(
    ledger.filter(({ isCurrent }) => isCurrent),
    placeOf,
  );
  const messages = folders.flatMap(({ path, uidValidity, messages: seen }) =>
    seen.map((message) => ({ ...message, folder: path, uidValidity })),
  );
  const found = messages.flatMap((message) => {
    const place = placeOf(message);
    const rows = rowsAt.get(place) ?? [];
    rowsAt.delete(place);
    const at = {
      where: `${mailbox} ${place} (letter ${message.key})`,
      isLeftOut: foldersLeftOut.includes(message.folder),
    };
    const doubled = rows.length > 1 ? [{ kind: 'doubled-row', what: `${at.where} has ${rows.length} rows` }] : [];
    return [...doubled, ...rowViolations(at, message, { row: rows[0], copyOf })];
  });
  const extra = [...rowsAt.values()].flat().filter((row) => !hasGone(row, copyOf));
  return [
    ...found,
    ...extra.map((row) => ({
      kind: 'not-on-server',
      what: `${mailbox} ${placeOf(row)} is ${row.presence} and not there`,
      ...messageOf(row.copyId, copyOf),
    })),
  ];
}

/** Of what the server does not show any more. @param {LedgerRow} row @param {Copies} copyOf */
function hasGone({ presence, copyId }, copyOf) {
  if (presence !== 'tombstoned') return presence === 'ended';
  return copyId !== null && copyOf.get(copyId)?.isBeingRemoved === true;
}

/**
 * @param {{where: string, isLeftOut: boolean}} at @param {import('./oracle.mjs').Seen} message
 * @param {{row: LedgerRow | undefined, copyOf: Copies}} held @returns {Violation[]}
 */
function rowViolations({ where, isLeftOut }, message, { row, copyOf }) {
  if (row === undefined) return [{ kind: 'lost', what: `${where} has no row in the ledger` }];
  const about = messageOf(row.copyId, copyOf);
  if (row.presence !== 'live')
    return [
      { kind: `live-mail-${row.presence}`, what: `${where} is there and ${row.presence} in the ledger`, ...about },
    ];
  if (isLeftOut && row.outcome === 'filtered' && row.reason === 'folder-role') return [];
  if (row.outcome !== 'recorded')
    return [{ kind: 'not-recorded', what: `${where} is ${row.outcome}, ${row.reason ?? 'no reason given'}`, ...about }];
  const copy = copyOf.get(row.copyId ?? '');
  if (copy === undefined) return [{ kind: 'lost', what: `${where} is recorded without a copy` }];
  if (copy.sha !== message.sha)
    return [{ kind: 'wrong-bytes', what: `${where} is recorded with other bytes`, ...about }];
  return isLeftOut ? [] : scopeViolations(where, message, { row, copy });
}

/** What is followed in folders in scope alone. @param {string} where @param {import('./oracle.mjs').Seen} message @param {{row: LedgerRow, copy: CopyRow}} held @returns {Violation[]} */
function scopeViolations(where, message, { row, copy }) {
  const about = messageOf(copy.id, new Map([[copy.id, copy]]));
  const wanted = message.flags.reduce((bits, flag) => bits | (flagBits.get(flag) ?? 0), 0);
  const flags = row.flags & comparedFlags;
  return [
    ...(copy.isBeingRemoved
      ? [{ kind: 'live-mail-tombstoned', what: `${where} is there and about to be removed`, ...about }]
      : []),
    ...(flags === wanted
      ? []
      : [{ kind: 'wrong-flags', what: `${where} has the flags ${wanted} there and ${flags} here`, ...about }]),
  ];
}

/** @param {{folder: string, uidValidity: string, uid: number}} row */
function placeOf({ folder, uidValidity, uid }) {
  return `${folder} ${uidValidity}/${uid}`;
}

/** @param {string | null} copyId @param {Map<string, CopyRow>} copyOf */
function messageOf(copyId, copyOf) {
  const copy = copyId === null ? undefined : copyOf.get(copyId);
  return copy === undefined ? {} : { tenantId: copy.tenantId, messageId: copy.messageId };
}
