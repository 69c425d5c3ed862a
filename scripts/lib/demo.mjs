// @ts-check
import { join } from 'node:path';

import { findDovecot, startDovecot } from './dovecot.mjs';
import { placeOf, serverAccount } from './places.mjs';
import { choosePort, freePort } from './ports.mjs';
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
 * @param {{ terminal: import('./terminal.mjs').Terminal, home: string, apiUrl: string, apiKey: string, dovecot: import('./dovecot.mjs').Dovecot }} wish
 */
export async function showDemo({ terminal, home }) {
  terminal.line(join(home, 'demo'));
}
