// @ts-check
import { createRequire } from 'node:module';
import { join } from 'node:path';

import { projectDir } from '../lib/places.mjs';

/*
 * What a generated tenant is, by numbers alone: which record, thread and mailbox message n belongs to, and who may see it. A quarter of all mail is at
 * record 0. The others have the rest: every tenth is the company of the nine after it, and of each ten two have one of the records 1 to 9 as intermediary.
 * Two in four records are open to the member who asks: one to everybody, one to a team of theirs.
 */

export const mailboxes = 20;
/** Numbers of the member's team, and of somebody else to whom the other records are shown. Users 1 to 20 hold a mailbox each; user 1 asks. */
export const [teamPrincipal, otherPrincipal] = [mailboxes + 1, mailboxes + 2];
const [tenantPrincipal, everybody] = [-1, 0];
const allMail = '00000000-0000-0000-0000-000000000000';

/** @typedef {'message' | 'thread' | 'copy' | 'record' | 'link' | 'second-copy' | 'activity'} Kind */
/** @type {Kind[]} */
const kinds = ['message', 'thread', 'copy', 'record', 'link', 'second-copy', 'activity'];

/** Ids in the order in which they were given, as the product's are. @param {Kind} kind @param {number} n */
export const idOf = (kind, n) =>
  `${n.toString(16).padStart(8, '0')}-000${kinds.indexOf(kind) + 1}-7000-8000-000000000000`;

/** @param {number} n of a record */
const companyOf = (n) => (n < 10 || n % 10 === 0 ? null : n - (n % 10));
/** @param {number} n of a record */
const intermediaryOf = (n) => (n >= 10 && (n % 10 === 4 || n % 10 === 5) ? 1 + (Math.floor(n / 10) % 9) : null);

/** To whom a record is shown. @param {number} n @returns {number} everybody, the team of the member, or somebody else */
function readersOf(n) {
  if (n === 0) return everybody;
  return [everybody, teamPrincipal, otherPrincipal, otherPrincipal][(n + Math.floor(n / 10)) % 4] ?? everybody;
}

/** @param {number} n of a record */
export const isShown = (n) => readersOf(n) !== otherPrincipal;

/** Three messages in turns: one comes, one is written in answer, one comes back. @param {number} n of a message */
const exchangeOf = (n) => Math.floor(n / 3);

/** Of the mail at record 0 a fifth is in threads of sixty messages, all else in threads of three. @param {number} exchange */
function threadOf(exchange) {
  const within = (exchange / 4) % 100;
  return Number.isInteger(within) && within < 20 ? exchange - within * 4 : exchange;
}

/** @param {number} n of a message @param {number} records */
function recordOfMessage(n, records) {
  const exchange = exchangeOf(n);
  return exchange % 4 === 0 ? 0 : 10 + ((exchange * 7_919) % (records - 10));
}

const addressOf = (/** @type {number} */ record) => `person${record}@customer.example`;
export const mailboxAddressOf = (/** @type {number} */ box) => `mailbox${box}@company.example`;

/** The mailboxes that hold a message: one in ten came to two. @param {number} n */
function mailboxesOf(n) {
  const box = Math.floor(exchangeOf(n) / 4) % mailboxes;
  return n % 10 === 3 ? [box, (box + 1) % mailboxes] : [box];
}

const newest = 1_790_000_000_000;
/** A minute apart; whole numbers of milliseconds, so that text and time are the same. @param {number} n @param {number} messages */
export const sortAtOf = (n, messages) => new Date(newest - (messages - n) * 60_000).toISOString();

const hashOf = (/** @type {number} */ n) => `\\\\x${n.toString(16).padStart(64, '0')}`;

/** @typedef {{tenantId: string, sourceIds: string[], genIds: number[], messages: number, records: number}} World */
/**
 * The rows of a table in the text format of COPY: those that belong to number n, for each n below `count`.
 * @typedef {{name: string, columns: string, count: number, rowsOf: (n: number) => string}} GeneratedTable
 */

/** @param {...(string | number | null)} fields */
const row = (...fields) => `${fields.map((field) => field ?? '\\N').join('\t')}\n`;
const bool = (/** @type {boolean} */ value) => (value ? 't' : 'f');

/** The tables of a tenant whose people, mailboxes and folders are there. @param {World} world @returns {GeneratedTable[]} */
export function generatedTables(world) {
  return [...recordTables(world), ...messageTables(world), ...copyTables(world), ...placeTables(world)];
}

/** @param {World} world @returns {GeneratedTable[]} */
function recordTables({ tenantId, records: count }) {
  const idOrNull = (/** @type {number | null} */ n) => (n === null ? null : idOf('record', n));
  const typeOf = (/** @type {number} */ n) => (n > 0 && n < 10 ? 'intermediary' : n % 10 === 0 ? 'company' : 'contact');
  return [
    {
      name: 'record',
      columns: 'tenant_id, id, type, name, company_id, intermediary_id, restricted',
      count,
      rowsOf: (n) => {
        const places = [idOrNull(companyOf(n)), idOrNull(intermediaryOf(n))];
        return row(tenantId, idOf('record', n), typeOf(n), `Record ${n}`, ...places, bool(readersOf(n) !== everybody));
      },
    },
    {
      name: 'record_address',
      columns: 'tenant_id, address_key, record_id, kind, address',
      count,
      rowsOf: (n) => row(tenantId, addressOf(n), idOf('record', n), 'business', addressOf(n)),
    },
    {
      name: 'record_scope',
      columns: 'tenant_id, record_id, principal',
      count,
      rowsOf: (n) => (readersOf(n) === everybody ? '' : row(tenantId, idOf('record', n), readersOf(n))),
    },
  ];
}

/** Who wrote a message and to whom, and a third who only reads. @param {number} n @param {number} records */
function peopleOf(n, records) {
  const [customer, us] = [addressOf(recordOfMessage(n, records)), mailboxAddressOf(mailboxesOf(n)[0] ?? 0)];
  const [from, to] = isOutgoing(n) ? [us, customer] : [customer, us];
  return { from, to, cc: `reader${n % 5_000}@partner.example` };
}

const isOutgoing = (/** @type {number} */ n) => n % 3 === 1;

/** @param {World} world @returns {GeneratedTable[]} */
function messageTables({ tenantId, messages: count, records }) {
  const id = (/** @type {number} */ n) => idOf('message', n);
  return [
    {
      name: 'thread',
      columns: 'tenant_id, id',
      count: Math.ceil(count / 3),
      rowsOf: (n) => (threadOf(n) === n ? row(tenantId, idOf('thread', n)) : ''),
    },
    {
      name: 'message',
      columns: 'tenant_id, id, message_key, thread_id, sort_at, sent_at, participants, has_attachments, marks, status',
      count,
      rowsOf: (n) => {
        const { from, to, cc } = peopleOf(n, records);
        const participants = `{"from": [{"name": "Ada Lovelace", "address": "${from}"}], "to": [{"name": "", "address": "${to}"}], "cc": [{"name": "", "address": "${cc}"}], "sender": [], "replyTo": []}`;
        const at = sortAtOf(n, count);
        const told = [n % 50 === 0 ? '{mailing-list}' : '{}', n % 7 === 0 ? 'closed' : 'open'];
        const thread = idOf('thread', threadOf(exchangeOf(n)));
        return row(tenantId, id(n), hashOf(n), thread, at, at, participants, bool(n % 5 === 0), ...told);
      },
    },
    {
      name: 'message_subject',
      columns: 'tenant_id, message_id, subject',
      count,
      rowsOf: (n) => row(tenantId, id(n), `About number ${threadOf(exchangeOf(n))}`),
    },
    {
      name: 'message_body',
      columns: 'tenant_id, message_id, preview, text, text_truncated',
      count,
      rowsOf: (n) => row(tenantId, id(n), `Words of number ${n}, as a list shows them`, `Words ${n} `.repeat(40), 'f'),
    },
    {
      name: 'activity',
      columns: 'tenant_id, id, message_id, type, status, sort_at, rule',
      count,
      rowsOf: (n) =>
        n % 20 === 0 ? row(tenantId, idOf('activity', n), id(n), 'email', 'done', sortAtOf(n, count), '{}') : '',
    },
  ];
}

/** @param {World} world @returns {GeneratedTable[]} */
function copyTables({ tenantId, sourceIds, genIds, messages: count, records }) {
  /** @param {number} n @param {(copyId: string, box: number) => string} rowsOf */
  const each = (n, rowsOf) =>
    mailboxesOf(n)
      .map((box, at) => rowsOf(idOf(at === 0 ? 'copy' : 'second-copy', n), box))
      .join('');
  return [
    {
      name: 'copy',
      columns:
        'tenant_id, id, source_id, message_id, raw_sha, raw_size, raw_state, visibility, direction, parser_version',
      count,
      rowsOf: (n) =>
        each(n, (id, box) => {
          const direction = isOutgoing(n) ? 'outgoing' : 'incoming';
          const message = idOf('message', n);
          return row(tenantId, id, sourceIds[box] ?? '', message, hashOf(n), 9_000, 'none', 3, direction, 1);
        }),
    },
    {
      name: 'copy_address',
      columns: 'tenant_id, address_key, copy_id, role',
      count,
      rowsOf: (n) => {
        const people = Object.entries(peopleOf(n, records));
        return each(n, (id) => people.map(([role, address]) => row(tenantId, address, id, role)).join(''));
      },
    },
    {
      name: 'placement',
      columns: 'tenant_id, gen_id, uid, source_id, copy_id, outcome, raw_sha, size, flags',
      count,
      rowsOf: (n) =>
        each(n, (id, box) => {
          const flags = n % 4 === 0 ? 0 : 1;
          return row(tenantId, genIds[box] ?? 0, n + 1, sourceIds[box] ?? '', id, 2, hashOf(n), 9_000, flags);
        }),
    },
  ];
}

/** The links, and what the product would write for them; a part of it is compared with what it does write. @param {World} world @returns {GeneratedTable[]} */
function placeTables({ tenantId, messages: count, records }) {
  return [
    {
      name: 'link',
      columns: 'tenant_id, id, message_id, record_id',
      count,
      rowsOf: (n) => row(tenantId, idOf('link', n), idOf('message', n), idOf('record', recordOfMessage(n, records))),
    },
    {
      name: 'link_reason',
      columns: 'tenant_id, link_id, kind, key, actor, record_version',
      count,
      rowsOf: (n) => {
        const key = `${isOutgoing(n) ? 'to' : 'from'}:${addressOf(recordOfMessage(n, records))}`;
        return row(tenantId, idOf('link', n), 'address', key, 'rule', 1);
      },
    },
    {
      name: 'timeline',
      columns: 'tenant_id, record_id, principal, sort_at, message_id, level',
      count,
      rowsOf: (n) => {
        const record = recordOfMessage(n, records);
        const others = [companyOf(record), intermediaryOf(record)].flatMap((place) => place ?? []);
        const places = [allMail, ...[record, ...others].map((place) => idOf('record', place))];
        const readers = [tenantPrincipal, ...mailboxesOf(n).map((box) => box + 1), readersOf(record)];
        const rest = `${sortAtOf(n, count)}\t${idOf('message', n)}\t3`;
        return places.map((place) => readers.map((one) => row(tenantId, place, one, rest)).join('')).join('');
      },
    },
  ];
}

/** What the product takes for a mailbox that shows its mail to all. @returns {string} */
export function openPolicy() {
  const { defaultPolicy } = createRequire(join(projectDir, 'package.json'))('./dist/domain/policy.js');
  return JSON.stringify({ ...defaultPolicy, visibility: 'full' });
}
