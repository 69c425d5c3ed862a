// @ts-check
import { faultKinds } from './schedule.mjs';

/**
 * What became of a run.
 * @typedef {object} Outcome
 * @property {number} seed
 * @property {Record<string, number>} faults carried out, by kind
 * @property {Record<string, string>} leftOut kinds that this machine cannot make, with the reason
 * @property {Record<string, number>} operations of owners and senders, by kind
 * @property {number} mailboxes
 * @property {{onServer: number, ledger: number, copies: number, messages: number, events: number}} compared
 * @property {number} removed messages that were removed upstream and here
 * @property {number} struckForMs
 * @property {number} quietAfterMs
 * @property {boolean} isQuiet
 * @property {string[]} notQuiet
 * @property {number} confirmedRemovals
 * @property {Record<string, string>} endedByThemselves processes that ended though nothing struck them just then
 * @property {import('./compare.mjs').Violation[]} violations
 * @property {string} machine
 */

/** @param {Outcome} outcome @returns {string[]} for a terminal and for a page */
export function reportLines(outcome) {
  const { faults, leftOut, operations, compared, violations } = outcome;
  const struck = sumOf(faults);
  return [
    `| fault | times | what it is |`,
    `| --- | ---: | --- |`,
    ...faultKinds.map(
      ({ kind, what }) =>
        `| \`${kind}\` | ${leftOut[kind] === undefined ? (faults[kind] ?? 0) : 'not here'} | ${what} |`,
    ),
    `| **all** | **${struck}** | in ${minutes(outcome.struckForMs)} |`,
    '',
    ...Object.entries(leftOut).map(([kind, why]) => `\`${kind}\` was left out: ${why}.\n`),
    `| what was done to the mail meanwhile | times |`,
    `| --- | ---: |`,
    ...Object.entries(operations).map(([name, times]) => `| ${name.replaceAll('-', ' ')} | ${times} |`),
    '',
    `| compared at the end | |`,
    `| --- | ---: |`,
    `| mailboxes | ${outcome.mailboxes} |`,
    `| messages on the server, by UID and SHA-256 | ${compared.onServer} |`,
    `| rows of the ledger | ${compared.ledger} |`,
    `| copies, read back by the API and hashed | ${compared.copies} |`,
    `| messages, in lists and timelines | ${compared.messages} |`,
    `| events | ${compared.events} |`,
    `| copies removed as they were on the server | ${outcome.removed} |`,
    `| time until all was at rest | ${(outcome.quietAfterMs / 1_000).toFixed(1)} s |`,
    `| **violations** | **${violations.length}** |`,
    '',
    `Seed ${outcome.seed}, ${outcome.machine}.`,
  ];
}

/** @param {Record<string, number>} counts */
export function sumOf(counts) {
  return Object.values(counts).reduce((sum, n) => sum + n, 0);
}

/** @param {number} ms */
function minutes(ms) {
  return `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1_000)} s`;
}
