// @ts-check
import { ApiRefusal } from './api.mjs';
import { colleagues, correspondent, demoAddress, mara } from './company.mjs';
import { demoRecords } from './records.mjs';

/** @typedef {import('./api.mjs').Api} Api */

/** Makes the people of Nordlicht users, so that their mail is known as outgoing. Second run: no change. @param {Api} api @returns {Promise<string>} Mara's user id */
export async function seedUsers(api) {
  const { items } = await api.get('/v1/users?limit=200');
  /** @type {Map<string, string>} */
  const known = new Map(
    items.flatMap((/** @type {any} */ user) =>
      user.addresses.map((/** @type {string} */ address) => [address, user.id]),
    ),
  );
  for (const person of colleagues) {
    const { name, address } = correspondent(person);
    if (known.has(address)) continue;
    const role = person === mara ? 'manager' : 'member';
    const made = await api.post('/v1/users', { name, role, addresses: [address] });
    known.set(address, made.id);
  }
  return known.get(demoAddress) ?? '';
}

/** Writes the demo's records by their external ids. Second run: no change. @param {Api} api @returns {Promise<{written: number}>} */
export async function seedRecords(api) {
  const lines = demoRecords().map(({ company, ...record }) => ({
    ...record,
    ...(company === undefined ? {} : { companyExternalId: company }),
  }));
  const report = await api.upload('/v1/records/bulk', lines);
  if (report.refusedCount > 0) throw new Error(`Records of the demo were refused: ${JSON.stringify(report.refused)}`);
  return { written: report.written };
}

/**
 * Connects the demo's mailbox, with all its history. Second run: no change, unless the mail server has another port now.
 * @param {Api} api @param {import('./deliver.mjs').MailServer} server @param {string} ownerUserId
 * @returns {Promise<string>} the mailbox's id
 */
export async function connectMailbox(api, server, ownerUserId) {
  try {
    const mailbox = await api.post('/v1/mailboxes', {
      address: demoAddress,
      displayName: 'Mara Lindner',
      imap: { host: server.host, port: server.imapPort, security: 'none' },
      auth: { type: 'password', username: server.user, password: server.password },
      policy: { start: { from: 'everything' }, refreshSeconds: 30 },
      ownerUserId,
    });
    return mailbox.id;
  } catch (error) {
    if (!(error instanceof ApiRefusal) || error.status !== 409) throw error;
    const { mailboxId } = error.problem;
    if (typeof mailboxId !== 'string') throw error;
    await reachAgain(api, server, mailboxId);
    return mailboxId;
  }
}

/** A password is only ever sent where it was given for: a new port needs it again. @param {Api} api @param {import('./deliver.mjs').MailServer} server @param {string} mailboxId */
async function reachAgain(api, server, mailboxId) {
  const { imap } = await api.get(`/v1/mailboxes/${mailboxId}`);
  if (imap.host === server.host && imap.port === server.imapPort) return;
  await api.change(`/v1/mailboxes/${mailboxId}`, {
    imap: { host: server.host, port: server.imapPort, security: 'none' },
    auth: { type: 'password', username: server.user, password: server.password },
  });
}
