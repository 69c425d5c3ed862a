// @ts-check
// Tries the product with damaged messages and lying mail servers: `npm run fuzz [-- options]`. Ends with 1 and a file for each finding.
//   --mutations N   messages (10,000), each read twice in the parser's threads
//   --recorded N    of them, stored and recorded in a database as well (500)
//   --sessions N    rounds of a mailbox on a server that lies (10,000)
//   --seed NAME     the same seed makes the same messages and lies (letterbook)
//   --from N        the number to begin with, to go on where a run has ended or to play one again (0)
//   --patterns      asks recheck about every pattern of the source that touches mail instead, and keeps the answers for the tests
//   --out DIR       where findings are written (.letterbook/fuzz)
import { parseArgs } from 'node:util';

import { fuzzMessages } from './fuzz/messages.mjs';
import { keepPatterns } from './fuzz/patterns.mjs';
import { fuzzSessions } from './fuzz/sessions.mjs';
import { SetupError } from './lib/setup-error.mjs';
import { Terminal } from './lib/terminal.mjs';
import { startTestServers } from './lib/test-servers.mjs';

const { values } = parseArgs({
  options: {
    mutations: { type: 'string', default: '10000' },
    recorded: { type: 'string', default: '500' },
    sessions: { type: 'string', default: '10000' },
    seed: { type: 'string', default: 'letterbook' },
    from: { type: 'string', default: '0' },
    patterns: { type: 'boolean', default: false },
    out: { type: 'string', default: '.letterbook/fuzz' },
  },
});
const terminal = new Terminal();
const nowhere = { LETTERBOOK_TEST_TEMPORAL_ADDRESS: 'none', LETTERBOOK_TEST_DOVECOT: 'none' };

try {
  process.exitCode = values.patterns ? await keepPatterns(terminal) : await withDatabase(fuzz);
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  terminal.line(error.message);
  process.exitCode = 1;
}

/** @param {() => Promise<number>} work @returns {Promise<number>} */
async function withDatabase(work) {
  const servers = await startTestServers({ env: { ...process.env, ...nowhere } });
  Object.assign(process.env, servers.env);
  try {
    return await work();
  } finally {
    await servers.stop();
  }
}

/** @returns {Promise<number>} the exit code */
async function fuzz() {
  /** @type {unknown[]} */
  const unhandled = [];
  process.on('unhandledRejection', (reason) => unhandled.push(reason));
  const run = { terminal, seed: values.seed, from: Number(values.from), out: values.out };
  const messages = await fuzzMessages(run, { mutations: Number(values.mutations), recorded: Number(values.recorded) });
  const sessions = await fuzzSessions(run, { sessions: Number(values.sessions) });
  terminal.line();
  terminal.line(`npm run fuzz -- --seed ${values.seed} --from ${values.from} plays the same again.`);
  for (const line of [...messages.lines, ...sessions.lines]) terminal.line(line);
  for (const reason of unhandled) terminal.line(`an unhandled rejection: ${String(reason)}`);
  const findings = messages.findings + sessions.findings + unhandled.length;
  terminal.line(
    findings === 0
      ? `Nothing was found with the seed ${values.seed}.`
      : `${findings} findings with the seed ${values.seed}: ${values.out}`,
  );
  return findings === 0 ? 0 : 1;
}
