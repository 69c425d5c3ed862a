// @ts-check
import { apiOf } from './api.mjs';
import { demoAddress } from './company.mjs';
import { deliverDemo } from './deliver.mjs';
import { today } from './messages.mjs';
import { shownRecord } from './records.mjs';
import { connectMailbox, seedRecords, seedUsers } from './seed.mjs';
import { timelineLines, untilImported, whereToGo } from './show.mjs';

/**
 * Runs a step and shows it; the terminal of `npm start` is one, `plainSteps` another.
 * @typedef {<Result>(label: string, work: (step: {progress: (done: number, total: number, unit: string) => void, detail: (text: string) => void}) => Promise<Result>) => Promise<Result>} RunStep
 */

/**
 * Fills the demo mailbox, connects it, waits for its import and shows one customer's history. Second run: shows what is there.
 * @param {object} wish
 * @param {{host: string, imapPort: number, password: string, user?: string}} wish.dovecot
 * @param {string} wish.apiUrl such as `http://127.0.0.1:8080`
 * @param {string} wish.apiKey
 * @param {string | null} wish.temporalUiUrl
 * @param {string} wish.apiKeyFile
 * @param {(line: string) => void} wish.print
 * @param {RunStep} [wish.step]
 * @param {Date} [wish.end] where the two years of mail end
 * @returns {Promise<{mailboxId: string}>}
 */
export async function runDemo({
  dovecot,
  apiUrl,
  apiKey,
  temporalUiUrl,
  apiKeyFile,
  print,
  step = plainSteps(print),
  end = today(),
}) {
  const server = { user: demoAddress, ...dovecot };
  const api = apiOf({ apiUrl, apiKey });
  await step('Mail of the demo company', async ({ progress, detail }) => {
    const { delivered } = await deliverDemo(server, {
      end,
      progress: (done, total) => progress(done, total, 'messages'),
    });
    detail(delivered === 0 ? '(there)' : `(${delivered} messages of two years)`);
  });
  const owner = await step('People and records of the demo company', async ({ detail }) => {
    const user = await seedUsers(api);
    const { written } = await seedRecords(api);
    detail(`(${written} records)`);
    return user;
  });
  const mailboxId = await step('Import of the demo mailbox', async ({ progress, detail }) => {
    const connected = await connectMailbox(api, server, owner);
    const imported = await untilImported(api, connected, {
      progress: (done, total) => progress(done, total, 'messages'),
    });
    detail(imported === null ? '(there)' : `(${imported.messages} messages, ${imported.folders} folders)`);
    return connected;
  });
  await showCustomer({ api, apiUrl, temporalUiUrl, apiKeyFile, print });
  return { mailboxId };
}

/** @param {{api: import('./api.mjs').Api, apiUrl: string, temporalUiUrl: string | null, apiKeyFile: string, print: (line: string) => void}} wish */
async function showCustomer({ api, apiUrl, temporalUiUrl, apiKeyFile, print }) {
  const width = process.stdout.isTTY ? Math.max(60, Math.min(process.stdout.columns, 140)) : 110;
  const { items } = await api.get(`/v1/records?externalId=${shownRecord}`);
  const [record] = items;
  const { lines, shown, more } = await timelineLines(api, record.id, { width: width - 2 });
  print('');
  print(`  ${record.name}, ${record.addresses.map((/** @type {any} */ { address }) => address).join(', ')}`);
  print(`  The newest ${shown} letters${more ? ', older ones follow in the API' : ''}`);
  print('');
  for (const line of lines) print(line);
  print('');
  for (const line of whereToGo({ apiUrl, temporalUiUrl, apiKeyFile, recordId: record.id }, width)) print(line);
  print('');
}

/** Steps as plain lines, for whoever has no terminal of their own. @param {(line: string) => void} print @returns {RunStep} */
function plainSteps(print) {
  return async (label, work) => {
    let said = '';
    const result = await work({ progress: () => {}, detail: (text) => (said = text) });
    print(`  ${label} ${said}`);
    return result;
  };
}
