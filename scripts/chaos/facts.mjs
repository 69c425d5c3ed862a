// @ts-check
import { createHash } from 'node:crypto';

import { listServer } from './oracle.mjs';

/** @typedef {import('./account.mjs').Account} Account */
/** @typedef {import('./compare.mjs').Facts} Facts */
/** @typedef {{apiUrl: string, tenants: {tenantId: string, apiKey: string, api: import('../demo/api.mjs').Api}[]}} Product */

const outcomes = ['', 'stored', 'recorded', 'filtered', 'headers-only', 'parked'];
const presences = ['', 'live', 'ended', 'tombstoned'];
/** What housekeeping leaves: an hour of grace, and an hour until it comes. */
const orphansKept = '2 hours 5 minutes';

/** An id as the API writes it. @param {'msg' | 'cpy' | 'mbx'} prefix @param {string} uuid */
export function publicId(prefix, uuid) {
  return `${prefix}_${uuid.replaceAll('-', '')}`;
}

/** @param {string} id an id of the API @returns {string} */
function uuidOf(id) {
  return id.slice(4).replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

/**
 * What the server shows of the mailboxes.
 * @param {{host: string, imapPort: number}} server @param {Product} product @param {Account[]} accounts
 * @returns {Promise<Facts['shown']>}
 */
export async function shownBy({ host, imapPort }, { tenants }, accounts) {
  const shown = [];
  for (const { user, password, id, tenant, removals } of accounts) {
    const folders = await listServer({ host, port: imapPort, user, password });
    shown.push({ mailbox: user, sourceId: uuidOf(id), tenantId: tenants[tenant]?.tenantId ?? '', removals, folders });
  }
  return shown;
}

/** The ledger and the copies, without the bytes of these. @param {import('pg').Client} database */
export async function ledgerOf(database) {
  const ledger = await database.query(
    `SELECT p.source_id AS "sourceId", f.path AS folder, f.gone_at IS NULL AND g.retired_at IS NULL AS "isCurrent", g.uidvalidity::text AS "uidValidity",
       g.id::int AS "genId", p.uid::int AS uid, p.outcome, p.reason, p.presence, p.copy_id AS "copyId",
       encode(coalesce(c.raw_sha, p.raw_sha), 'hex') AS sha, p.flags, extract(epoch FROM now() - p.recorded_at)::float8 * 1000 AS "ageMs"
     FROM placement p JOIN folder_generation g ON g.id = p.gen_id JOIN folder f ON f.id = g.folder_id LEFT JOIN copy c ON c.id = p.copy_id`,
  );
  const copies = await database.query(
    `SELECT c.id, c.source_id AS "sourceId", c.tenant_id AS "tenantId", c.message_id AS "messageId", encode(c.raw_sha, 'hex') AS sha,
       EXISTS (SELECT FROM removal r WHERE r.copy_id = c.id AND r.state <> 'kept') AS "isBeingRemoved" FROM copy c`,
  );
  const named = ledger.rows.map((row) => ({
    ...row,
    outcome: outcomes[row.outcome],
    presence: presences[row.presence],
  }));
  return { ledger: named, copies: copies.rows };
}

/**
 * Everything that is compared.
 * @param {{database: import('pg').Client, server: {host: string, imapPort: number}, product: Product, accounts: Account[]}} where
 * @returns {Promise<Facts>}
 */
export async function factsOf({ database, server, product, accounts }) {
  const shown = await shownBy(server, product, accounts);
  const { ledger, copies } = await ledgerOf(database);
  const rows = async (/** @type {string} */ sql) => (await database.query(sql)).rows;
  return {
    shown,
    ledger,
    copies: await withBytes(product, copies),
    cursors: await rows(
      `SELECT g.source_id AS "sourceId", f.path AS folder, g.uidvalidity::text AS "uidValidity", g.uidnext::float8 AS "uidNext", g.history_done_at IS NOT NULL AS "historyIsDone"
       FROM folder_generation g JOIN folder f ON f.id = g.folder_id WHERE g.retired_at IS NULL AND f.gone_at IS NULL`,
    ),
    messages: await rows(
      `SELECT m.id, m.tenant_id AS "tenantId", regexp_replace(s.subject, '^chaos ', '') AS key, m.participants -> 'from' -> 0 ->> 'address' AS from
       FROM message m LEFT JOIN message_subject s ON s.message_id = m.id`,
    ),
    timelines: await timelinesOf(product),
    outbox: await rows(
      `SELECT stream, epoch, seq::float8 AS seq, event_id AS "eventId", xact::text AS xact, type, ids FROM outbox ORDER BY stream, epoch, seq`,
    ),
    streams: await rows(
      `SELECT s.id AS "sourceId", s.address AS mailbox, s.epoch, s.next_seq::float8 AS "nextSeq" FROM source s`,
    ),
    orphansBeyondGrace: (
      await rows(
        `SELECT count(*)::int AS n FROM blob b WHERE b.created_at < now() - interval '${orphansKept}'
           AND NOT EXISTS (SELECT FROM copy c WHERE c.blob_id = b.id) AND NOT EXISTS (SELECT FROM placement p WHERE p.blob_id = b.id)`,
      )
    )[0].n,
  };
}

/** Reads every copy as a user would, and says what it is. @param {Product} product @param {Omit<Facts['copies'][number], 'bytesSha'>[]} copies @returns {Promise<Facts['copies']>} */
async function withBytes({ apiUrl, tenants }, copies) {
  const keyOf = new Map(tenants.map(({ tenantId, apiKey }) => [tenantId, apiKey]));
  /** @type {Facts['copies']} */
  const read = [];
  let next = 0;
  const lane = async () => {
    for (let copy = copies[next++]; copy !== undefined; copy = copies[next++]) {
      const path = `/v1/messages/${publicId('msg', copy.messageId)}/raw?copy=${publicId('cpy', copy.id)}`;
      const answer = await fetch(`${apiUrl}${path}`, {
        headers: { authorization: `Bearer ${keyOf.get(copy.tenantId)}` },
      });
      const bytes = Buffer.from(await answer.arrayBuffer());
      read.push({ ...copy, bytesSha: answer.ok ? createHash('sha256').update(bytes).digest('hex') : null });
    }
  };
  await Promise.all([lane(), lane(), lane(), lane()]);
  return read;
}

/** @param {Product} product @returns {Promise<Facts['timelines']>} */
async function timelinesOf({ tenants }) {
  const seen = [];
  for (const { tenantId, api } of tenants) {
    seen.push({ tenantId, address: '*', messageIds: await allOf(api, '/v1/messages') });
    for (const { id, address } of await recordsOf(api)) {
      seen.push({ tenantId, address, messageIds: await allOf(api, `/v1/records/${id}/timeline`) });
    }
  }
  return seen;
}

/** @param {import('../demo/api.mjs').Api} api @returns {Promise<{id: string, address: string}[]>} */
async function recordsOf(api) {
  const { items } = await api.get('/v1/records?limit=200');
  return items.map((/** @type {any} */ record) => ({ id: record.id, address: record.addresses[0]?.address ?? '' }));
}

/** @param {import('../demo/api.mjs').Api} api @param {string} path @returns {Promise<string[]>} ids of messages, as the database has them */
async function allOf(api, path) {
  const ids = [];
  for (let cursor = ''; ;) {
    const page = await api.get(`${path}?limit=200${cursor}`);
    ids.push(...page.items.map((/** @type {any} */ item) => uuidOf(item.id)));
    if (page.nextCursor === null) return ids;
    cursor = `&cursor=${encodeURIComponent(page.nextCursor)}`;
  }
}
