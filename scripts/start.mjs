// @ts-check
// Brings up everything and shows it: `npm start`. Nothing but Node is needed; README.md says what can be set.
//   npm start -- --reset [--yes]   empties the data directory first
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { inspect } from 'node:util';

import { build } from './lib/build.mjs';
import { endInOrder, onEndSignal } from './lib/ending.mjs';
import { homeDir, projectDir } from './lib/places.mjs';
import { choosePort } from './lib/ports.mjs';
import { givenPostgres, startPostgres } from './lib/postgres.mjs';
import { ProcessRecords } from './lib/processes.mjs';
import { productEnvironment, startProduct, untilReady } from './lib/product.mjs';
import { SetupError } from './lib/setup-error.mjs';
import { showDemo, startDemoServer } from './lib/demo.mjs';
import { ensureSecretKeys, isInClone, makeHome, resetState } from './lib/state.mjs';
import { supervise } from './lib/supervision.mjs';
import { databaseName, findTemporal, givenCluster, startTemporal } from './lib/temporal.mjs';
import { duration, Terminal } from './lib/terminal.mjs';

const { env } = process;
const began = Date.now();
const terminal = new Terminal();
const home = homeDir(env);
const records = new ProcessRecords(join(home, 'processes.json'));
const require = createRequire(join(projectDir, 'package.json'));
/** @type {Set<number>} */
const avoid = new Set();
/** @type {NodeJS.Signals | null} */
let ending = null;

onEndSignal((signal) => {
  ending = signal;
  terminal.quietSteps();
  void end(0);
});

try {
  await main();
} catch (error) {
  if (ending === null) {
    if (!(error instanceof SetupError)) process.stderr.write(`${inspect(error)}\n`);
    terminal.line(`\nLetterbook cannot start: ${/** @type {Error} */ (error).message}`);
    await end(1);
  }
}

async function main() {
  terminal.line('Letterbook\n');
  makeHome(home);
  await records.takeOver({ say });
  if (process.argv.includes('--reset') && (await resetState({ home, argv: process.argv, say })) === 'left')
    return end(0);
  makeHome(home);
  await build(terminal);
  const { appUrl } = await terminal.step('Postgres', postgres);
  const engine = await terminal.step('Temporal server', temporal);
  const mailServer = await startDemoServer({ terminal, home, env, records });
  const apiKey = await terminal.step('First tenant, admin and API key', (step) => firstKey(appUrl, step));
  const api = await terminal.step('API and worker', (step) => product({ appUrl, ...engine }, step));
  terminal.line(`\n  Ready after ${duration(Date.now() - began)}.\n`);
  const where = { terminal, home, apiUrl: api, apiKey: apiKey.apiKey, temporalUiUrl: engine.temporalUiUrl };
  const demo = mailServer === null ? 'none' : await showDemo({ ...where, dovecot: mailServer, records });
  if (demo !== 'shown') showPlaces({ api, ...engine });
  showKeys(apiKey);
}

/** @param {import('./lib/terminal.mjs').Step} step */
async function postgres(step) {
  const { migrate } = require('./dist/db/migrate.js');
  const urls = givenPostgres(env) ?? (await embeddedPostgres(step));
  try {
    const { applied } = await migrate(urls);
    if (applied.length > 0) step.say(`applied ${applied.length} migrations`);
  } catch (error) {
    if (/** @type {Error} */ (error).name !== 'MigrationError') throw error;
    throw new SetupError(/** @type {Error} */ (error).message, '', error);
  }
  return urls;
}

/** @param {import('./lib/terminal.mjs').Step} step */
async function embeddedPostgres({ say: aside, detail }) {
  const port = await choosePort({ variable: 'LETTERBOOK_POSTGRES_PORT', fallback: 5432, env, say: aside, avoid });
  const start = () => startPostgres({ home, port, records, logFile: logOf('postgres'), say: aside });
  const started = await start();
  detail(`${started.version.split('.').slice(0, 2).join('.')} on port ${port}`);
  supervise({ running: started.process, startAgain: async () => (await start()).process, records, say });
  return { ownerUrl: started.ownerUrl, appUrl: started.appUrl };
}

/**
 * @param {import('./lib/terminal.mjs').Step} step
 * @returns {Promise<{ temporalAddress: string, temporalUiUrl: string | null }>}
 */
async function temporal({ say: aside, progress, detail }) {
  const given = await givenCluster(env, aside);
  if (given !== null) {
    detail(`at ${given} (TEMPORAL_ADDRESS)`);
    return { temporalAddress: given, temporalUiUrl: env.LETTERBOOK_TEMPORAL_UI_URL ?? null };
  }
  const program = await findTemporal({ env, say: aside, progress });
  const port = await choosePort({ variable: 'LETTERBOOK_TEMPORAL_PORT', fallback: 7233, env, say: aside, avoid });
  const uiPort = await choosePort({ variable: 'LETTERBOOK_TEMPORAL_UI_PORT', fallback: 8233, env, say: aside, avoid });
  const databaseFile = join(home, databaseName(program.serverVersion));
  const start = () => startTemporal({ program, port, uiPort, databaseFile, records, logFile: logOf('temporal') });
  const started = await start();
  detail(`${program.serverVersion} (${program.from}) on port ${port}`);
  supervise({ running: started.process, startAgain: async () => (await start()).process, records, say });
  return { temporalAddress: started.address, temporalUiUrl: started.uiUrl };
}

/**
 * @param {string} appUrl
 * @param {import('./lib/terminal.mjs').Step} step
 * @returns {Promise<{ kind: 'made' | 'known', apiKey: string }>}
 */
async function firstKey(appUrl, { detail }) {
  ensureSecretKeys(home, env);
  const { bootstrap } = require('./dist/bootstrap.js');
  const { openDatabase } = require('./dist/db/database.js');
  const db = openDatabase({ url: appUrl, poolSize: 2, applicationName: 'letterbook start' });
  try {
    const made = await bootstrap({ db, keyFile: join(home, 'api-key') });
    detail(made.kind === 'made' ? '(made)' : '(there)');
    return made;
  } finally {
    await db.close();
  }
}

/**
 * @param {{ appUrl: string, temporalAddress: string, temporalUiUrl: string | null }} servers
 * @param {import('./lib/terminal.mjs').Step} step
 * @returns {Promise<string>} the API's address
 */
async function product(servers, { say: aside, detail }) {
  const port = await choosePort({ variable: 'LETTERBOOK_PORT', fallback: 8080, env, say: aside, avoid });
  const environment = productEnvironment({ env, home, port, ...servers });
  const starts = /** @type {const} */ ([
    ['API', ['server.js']],
    ['Worker', ['worker.js', '--roles', 'sync,idle']],
    // In a process of its own: new mail would wait for what imports have under way.
    ['History', ['worker.js', '--roles', 'bulk']],
  ]).map(
    ([name, args]) =>
      () =>
        startProduct({ name, args: [...args], home, env: environment, records }),
  );
  const processes = await Promise.all(starts.map((start) => start()));
  const apiUrl = `http://127.0.0.1:${port}`;
  await untilReady({ apiUrl, processes, home, say: aside });
  processes.forEach((running, index) => supervise({ running, startAgain: starts[index] ?? fail, records, say }));
  detail(`on port ${port}`);
  return apiUrl;
}

/** @returns {never} */
function fail() {
  throw new Error('every process has a way to start it');
}

/** @param {{ api: string, temporalUiUrl: string | null }} where */
function showPlaces({ api, temporalUiUrl }) {
  terminal.line(`  API              ${api}/v1`);
  terminal.line(`  API description  ${api}/docs`);
  if (temporalUiUrl) terminal.line(`  Temporal UI      ${temporalUiUrl}`);
}

/** @param {{ kind: 'made' | 'known', apiKey: string }} key */
function showKeys({ kind, apiKey }) {
  const file = join(home, 'api-key');
  if (kind === 'made') terminal.line(`  API key          ${apiKey} (shown this once, kept in ${file})`);
  else terminal.line(`  API key          in ${file}`);
  terminal.line(`  Data and logs    ${home}`);
  if (isInClone(home)) {
    terminal.line('  `git clean` would delete this: set LETTERBOOK_HOME before you connect a real mailbox.');
  }
  if (!env.LETTERBOOK_ALLOWED_NETWORKS)
    terminal.line('  Mail servers on this machine (loopback) are allowed, for the demo.');
  terminal.line('\n  Ctrl-C ends everything.');
}

/** @param {string} name */
function logOf(name) {
  return join(home, 'logs', `${name}.log`);
}

/** @param {string} line */
function say(line) {
  terminal.line(`    ${line}`);
}

/** @param {number} code */
async function end(code) {
  const since = Date.now();
  if (ending !== null) terminal.line('\n  Ending ...');
  const killed = await endInOrder(records);
  if (killed.length > 0) terminal.line(`  ${killed.join(', ')} had to be killed.`);
  if (ending !== null) terminal.line(`  Ended after ${duration(Date.now() - since)}.`);
  process.exit(code);
}
