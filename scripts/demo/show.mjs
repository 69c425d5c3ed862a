// @ts-check
import { boxed, cut, table } from './table.mjs';

/** @typedef {import('./api.mjs').Api} Api */

const pollEveryMs = 250;

/**
 * Waits until the history of a mailbox is imported, and tells how far it is.
 * @param {Api} api @param {string} mailboxId @param {{progress: (done: number, total: number) => void, timeoutMs?: number}} how
 * @returns {Promise<{messages: number, folders: number} | null>} what was imported; null where it was there already
 * @throws where the mailbox cannot go on without a person
 */
export async function untilImported(api, mailboxId, { progress, timeoutMs = 600_000 }) {
  const deadline = Date.now() + timeoutMs;
  /** @type {{messages: number, folders: number} | null} */
  let seen = null;
  while (Date.now() < deadline) {
    const mailbox = await api.get(`/v1/mailboxes/${mailboxId}`);
    if (['auth-required', 'needs-attention', 'stopped', 'paused'].includes(mailbox.state)) {
      throw new Error(`The demo mailbox is ${mailbox.state}: ${mailbox.reason} ${mailbox.remedy ?? ''}`);
    }
    if (mailbox.progress !== null) {
      const { messagesDone, messagesKnown, folders } = mailbox.progress;
      seen = { messages: messagesKnown, folders: Math.max(folders, seen?.folders ?? 0) };
      progress(messagesDone, messagesKnown);
    } else if (mailbox.lastSuccessAt !== null) {
      return seen;
    }
    await new Promise((wake) => setTimeout(wake, pollEveryMs));
  }
  throw new Error(
    'The import of the demo mailbox takes too long; its workflow in the Temporal UI says what it waits for.',
  );
}

/**
 * The newest letters of one record as lines of a table.
 * @param {Api} api @param {string} recordId @param {{width: number, rows?: number}} fit
 * @returns {Promise<{lines: string[], shown: number, more: boolean}>}
 */
export async function timelineLines(api, recordId, { width, rows = 14 }) {
  const { items, nextCursor } = await api.get(`/v1/records/${recordId}/timeline?limit=${rows}`);
  const cells = await Promise.all(items.map((/** @type {any} */ item) => rowOf(api, item)));
  const columns = [
    { title: 'Date', width: 16, grows: 0 },
    { title: '', width: 1, grows: 0 },
    { title: 'Who', width: 18, grows: 1 },
    { title: 'Subject', width: 24, grows: 3 },
    { title: 'Attachments', width: 16, grows: 2 },
  ];
  return { lines: table(columns, cells, width), shown: items.length, more: nextCursor !== null };
}

/** @param {Api} api @param {any} item */
async function rowOf(api, item) {
  const at = String(item.sortAt).slice(0, 16).replace('T', ' ');
  const subject = item.subject ?? '(not shown)';
  return [at, item.direction === 'outgoing' ? '→' : '←', otherSide(item), subject, await filesOf(api, item)];
}

/** Who wrote, or to whom the company wrote. @param {any} item */
function otherSide({ direction, participants }) {
  const [person] = direction === 'outgoing' ? participants.to : participants.from;
  return person?.name || person?.address || '';
}

/** @param {Api} api @param {any} item */
async function filesOf(api, item) {
  if (item.hasAttachments !== true) return '';
  const message = await api.get(`/v1/messages/${item.id}`);
  const named = (message.attachments ?? []).filter(
    (/** @type {any} */ file) => file.filename && file.disposition !== 'inline' && !file.contentId,
  );
  return named.map((/** @type {any} */ file) => file.filename).join(', ');
}

/**
 * Where everything is, in a box.
 * @param {{apiUrl: string, temporalUiUrl: string | null, apiKeyFile: string, recordId: string}} places @param {number} width
 */
export function whereToGo({ apiUrl, temporalUiUrl, apiKeyFile, recordId }, width) {
  const rows = [
    `API          ${apiUrl}/v1`,
    `OpenAPI      ${apiUrl}/docs`,
    ...(temporalUiUrl === null ? [] : [`Temporal UI  ${temporalUiUrl}`]),
    `API key      ${apiKeyFile}`,
  ];
  const command = `curl -s -H "Authorization: Bearer $(cat ${apiKeyFile})" ${apiUrl}/v1/records/${recordId}/timeline`;
  return [
    ...boxed(
      'Where to go',
      rows.map((row) => cut(row, width - 4)),
      width,
    ),
    '',
    `  ${command}`,
  ];
}
