// @ts-check
import { ImapFlow } from 'imapflow';

import { junkLetters } from './everyday.mjs';
import { demoFolders, demoMessages } from './messages.mjs';

/**
 * How to log in at the mail server of the demo.
 * @typedef {{host: string, imapPort: number, user: string, password: string}} MailServer
 */

/**
 * Puts the demo's mail into the mailbox. UIDNEXT says how much of a folder was put there before, also where some of it was deleted since:
 * a second run adds nothing, one that was cut short goes on where it was.
 * @param {MailServer} server
 * @param {{end: Date, seed?: string, progress?: (done: number, total: number) => void}} wanted
 * @returns {Promise<{delivered: number}>}
 */
export async function deliverDemo(server, { end, seed, progress = () => {} }) {
  const client = imapClient(server);
  await client.connect();
  try {
    await makeFolders(client);
    if ((await messagesEver(client, 'Junk')) >= junkLetters) return { delivered: 0 };
    const messages = await demoMessages({ end, ...(seed === undefined ? {} : { seed }) });
    const owed = await stillOwed(client, messages);
    for (const [index, { folder, raw, flags, internalDate }] of owed.entries()) {
      const added = await client.append(folder, raw, flags, internalDate);
      if (!added) throw new Error('The mail server of the demo does not take a message.');
      progress(messages.length - owed.length + index + 1, messages.length);
    }
    return { delivered: owed.length };
  } finally {
    await client.logout();
  }
}

/**
 * What is not in its folder yet, folder by folder, Junk last.
 * @param {ImapFlow} client @param {import('./letter.mjs').DemoMessage[]} messages
 */
async function stillOwed(client, messages) {
  const owed = [];
  for (const folder of demoFolders) {
    const there = await messagesEver(client, folder);
    owed.push(...messages.filter((message) => message.folder === folder).slice(there));
  }
  return owed;
}

/** @param {ImapFlow} client */
async function makeFolders(client) {
  const there = new Set((await client.list()).map(({ path }) => path));
  for (const folder of demoFolders) if (!there.has(folder)) await client.mailboxCreate(folder);
}

/** @param {ImapFlow} client @param {string} folder */
async function messagesEver(client, folder) {
  const status = await client.status(folder, { uidNext: true });
  if (!status || status.uidNext === undefined) throw new Error('The mail server of the demo does not tell its state.');
  return status.uidNext - 1;
}

/** A client that logs nothing. @param {MailServer} server */
export function imapClient({ host, imapPort, user, password }) {
  const client = new ImapFlow({
    host,
    port: imapPort,
    secure: false,
    doSTARTTLS: false,
    auth: { user, pass: password },
    logger: false,
    disableAutoIdle: true,
  });
  client.on('error', () => {}); // what fails says so where it was asked for
  return client;
}
