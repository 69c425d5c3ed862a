// @ts-check
import { join } from 'node:path';

import { findDovecot, startDovecot } from './dovecot.mjs';
import { placeOf, serverAccount } from './places.mjs';
import { choosePort, freePort } from './ports.mjs';
import { deliverCommand, noteDemo } from './running-demo.mjs';
import { SetupError } from './setup-error.mjs';
import { supervise } from './supervision.mjs';

const defaultImapPort = 11_143;

/**
 * The mail server of the demo mailbox, unless the demo is not wanted or cannot be had: then the product starts without it.
 * @param {{ terminal: import('./terminal.mjs').Terminal, home: string, env: NodeJS.ProcessEnv, records: import('./processes.mjs').ProcessRecords }} wish
 * @returns {Promise<import('./dovecot.mjs').Dovecot | null>}
 */
export async function startDemoServer({ terminal, home, env, records }) {
  if (env.LETTERBOOK_DEMO === 'off') return null;
  const say = (/** @type {string} */ line) => terminal.line(`    ${line}`);
  try {
    return await terminal.step('Mail server of the demo', async (step) => {
      const program = await findDovecot({ env, say: step.say });
      const dir = placeOf({ home, name: 'dovecot', account: await serverAccount(['nobody']), say: step.say });
      const imap = await choosePort({
        variable: 'LETTERBOOK_DEMO_IMAP_PORT',
        fallback: defaultImapPort,
        env,
        say: step.say,
      });
      const ports = { imap, imaps: await freePort(), lmtp: await freePort() };
      const start = () => startDovecot({ dir, program, records, ports, durable: true });
      const started = await start();
      step.detail(`Dovecot ${program.version} (${program.from}) on port ${imap}`);
      supervise({ running: started.process, startAgain: async () => (await start()).process, records, say });
      return started;
    });
  } catch (error) {
    if (!(error instanceof SetupError) || records.isClosing) throw error;
    terminal.line(`\n  Letterbook starts without the demo mailbox. ${error.message}`);
    return null;
  }
}

/**
 * Connects the demo mailbox and shows what became of it. What goes wrong here is said and leaves the product as it is.
 * @param {object} wish
 * @param {import('./terminal.mjs').Terminal} wish.terminal
 * @param {string} wish.home
 * @param {string} wish.apiUrl
 * @param {string} wish.apiKey
 * @param {string | null} wish.temporalUiUrl
 * @param {import('./dovecot.mjs').Dovecot} wish.dovecot
 * @param {import('./processes.mjs').ProcessRecords} wish.records
 * @returns {Promise<'shown' | 'failed'>}
 */
export async function showDemo({ terminal, home, apiUrl, apiKey, temporalUiUrl, dovecot, records }) {
  // Its libraries are there only now.
  const { runDemo } = await import('../demo/index.mjs');
  const { demoAddress } = await import('../demo/company.mjs');
  try {
    await followPort({ apiUrl, apiKey, address: demoAddress, port: dovecot.imapPort });
    await runDemo({
      dovecot,
      apiUrl,
      apiKey,
      temporalUiUrl,
      apiKeyFile: join(home, 'api-key'),
      print: (line) => terminal.line(line),
      step: (label, work) => terminal.step(label, work),
    });
    noteDemo(home, { apiUrl, lmtp: { host: dovecot.host, port: dovecot.lmtpPort } });
    terminal.line(`  See a new mail arrive, in a second terminal:  ${deliverCommand(home)}\n`);
    return 'shown';
  } catch (error) {
    if (records.isClosing) throw error;
    terminal.line(`\n  The demo cannot be shown: ${/** @type {Error} */ (error).message}`);
    return 'failed';
  }
}

/**
 * The demo's mail server may have another port than at the last start.
 * @param {{ apiUrl: string, apiKey: string, address: string, port: number }} demo
 */
async function followPort({ apiUrl, apiKey, address, port }) {
  const headers = { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' };
  const listed = await fetch(`${apiUrl}/v1/mailboxes?limit=200`, { headers });
  /** @type {{ items?: { id: string, address: string, imap: { host: string, port: number, security: string } }[] }} */
  const { items = [] } = await listed.json();
  const mailbox = items.find((item) => item.address === address);
  if (!mailbox || mailbox.imap.port === port) return;
  const known = await fetch(`${apiUrl}/v1/mailboxes/${mailbox.id}`, { headers });
  const changed = await fetch(`${apiUrl}/v1/mailboxes/${mailbox.id}`, {
    method: 'PATCH',
    headers: { ...headers, 'if-match': known.headers.get('etag') ?? '*' },
    body: JSON.stringify({ imap: { ...mailbox.imap, port } }),
  });
  if (!changed.ok)
    throw new Error(`its mail server has a new port, which the mailbox did not take (${changed.status}).`);
}
