// @ts-check
import { imapClient } from '../demo/deliver.mjs';
import { correspondents, mailMix, mixVersion } from './mail-mix.mjs';

/** @typedef {import('../demo/deliver.mjs').MailServer} MailServer */

const password = 'pass';

/**
 * The mailbox with the mix, filled where it is not yet: a second bench of the same size finds it there.
 * @param {import('../lib/dovecot.mjs').Dovecot} dovecot
 * @param {{messages: number, progress: (done: number, total: number) => void}} wanted
 * @returns {Promise<MailServer>}
 */
export async function mixedMailbox(dovecot, { messages, progress }) {
  const server = {
    host: dovecot.host,
    imapPort: dovecot.imapPort,
    user: `mix${mixVersion}-${messages}@bench.example`,
    password,
  };
  await withClient(server, async (client) => {
    const { uidNext = 1 } = (await client.status('INBOX', { uidNext: true })) || {};
    let index = 0;
    for (const { raw, date } of mailMix({ messages })) {
      index += 1;
      if (index < uidNext) continue;
      await client.append('INBOX', raw, ['\\Seen'], date);
      if (index % 50 === 0 || index === messages) progress(index, messages);
    }
  });
  return server;
}

/**
 * A mailbox with that many folders, a few messages in each.
 * @param {import('../lib/dovecot.mjs').Dovecot} dovecot @param {{folders: number}} wanted
 * @returns {Promise<MailServer>}
 */
export async function mailboxOfFolders(dovecot, { folders }) {
  const server = { host: dovecot.host, imapPort: dovecot.imapPort, user: `folders-${folders}@bench.example`, password };
  await withClient(server, async (client) => {
    const there = (await client.list()).map(({ path }) => path);
    const missing = Math.max(0, folders - there.length);
    const letters = [...mailMix({ messages: 5 })];
    for (let index = 0; index < missing; index++) {
      const path = `Projekt ${String(there.length + index).padStart(2, '0')} Zürich`;
      await client.mailboxCreate(path);
      for (const { raw, date } of letters) await client.append(path, raw, [], date);
    }
  });
  return server;
}

/** @param {MailServer} server @param {(client: import('imapflow').ImapFlow) => Promise<void>} work */
async function withClient(server, work) {
  const client = imapClient(server);
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.logout();
  }
}

/** Contacts for every other one who writes, so that half of the mail is matched. */
export function benchRecords() {
  return everyOtherAsContact(correspondents);
}

/** @param {string[]} addresses */
export function everyOtherAsContact(addresses) {
  return addresses
    .filter((_, index) => index % 2 === 0)
    .map((address) => ({
      externalId: address,
      type: 'contact',
      name: address,
      addresses: [{ address, kind: 'business' }],
    }));
}
