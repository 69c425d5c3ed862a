// @ts-check
import { lastLines, run } from './commands.mjs';
import { portAnswers } from './ports.mjs';
import { endOfLog, startProcess } from './processes.mjs';
import { SetupError } from './setup-error.mjs';
import { findTemporal } from './temporal-program.mjs';

export { findTemporal };

export const namespace = 'letterbook';
const retentionDays = 7;
const searchAttributes = ['TenantId', 'MailboxId', 'MailboxStatus', 'Provider'];

/** A poke of a mailbox takes 200 ms with the server's own values, 50 ms with these; measured with one shard, which the local server has. */
const dynamicConfig = {
  'system.enableActivityEagerExecution': true,
  'history.transferProcessorMaxPollRPS': 1000,
  'limit.historyCount.suggestContinueAsNew': 2000,
};

/**
 * @typedef {object} Temporal
 * @property {string} address
 * @property {string | null} uiUrl
 * @property {import('./processes.mjs').Running} process
 */

/**
 * The name of the local server's database: it is never migrated, so each server version has its own. What it held is
 * rebuilt from Postgres.
 * @param {string} serverVersion
 * @returns {string}
 */
export function databaseName(serverVersion) {
  return `temporal-${serverVersion}.db`;
}

/**
 * Starts the local server.
 * @param {object} wish
 * @param {import('./temporal-program.mjs').TemporalProgram} wish.program
 * @param {number} wish.port
 * @param {number | null} wish.uiPort null: without the UI
 * @param {string | null} wish.databaseFile null: in memory
 * @param {import('./processes.mjs').ProcessRecords} wish.records
 * @param {string} wish.logFile
 * @param {number} [wish.metricsPort] where the server counts its work for Prometheus
 * @returns {Promise<Temporal>}
 * @throws {SetupError}
 */
export async function startTemporal({ program, port, uiPort, databaseFile, records, logFile, metricsPort }) {
  const args = ['server', 'start-dev', '--ip', '127.0.0.1', '--port', String(port), '--log-level', 'warn'];
  args.push(...(uiPort === null ? ['--headless'] : ['--ui-port', String(uiPort)]));
  if (metricsPort !== undefined) args.push('--metrics-port', String(metricsPort));
  if (databaseFile !== null) {
    args.push(
      '--db-filename',
      databaseFile,
      '--sqlite-pragma',
      'journal_mode=WAL',
      '--sqlite-pragma',
      'synchronous=NORMAL',
    );
  }
  args.push('--namespace', namespace, ...searchAttributes.flatMap((name) => ['--search-attribute', `${name}=Keyword`]));
  args.push(
    ...Object.entries(dynamicConfig).flatMap(([key, value]) => [
      '--dynamic-config-value',
      `${key}=${JSON.stringify(value)}`,
    ]),
  );
  const server = await startProcess({ name: 'Temporal', command: program.path, args, records, logFile });
  const address = `127.0.0.1:${port}`;
  try {
    const answers = await portAnswers({ port, timeoutMs: 60_000, gaveUp: server.hasEnded });
    if (!answers)
      throw new SetupError(`Temporal does not start: ${lastLines(endOfLog(logFile))}.`, `Its log is ${logFile}.`);
    await setRetention({ program, address, gaveUp: server.hasEnded });
  } catch (error) {
    await server.stop(5_000);
    throw error;
  }
  return {
    address,
    uiUrl: uiPort === null ? null : `http://127.0.0.1:${uiPort}`,
    process: server,
  };
}

/**
 * The local server keeps ended runs for a day; a week lets people look at what happened. It also answers whether the namespace is there.
 * @param {{ program: import('./temporal-program.mjs').TemporalProgram, address: string, gaveUp: () => boolean }} wish
 */
async function setRetention({ program, address, gaveUp }) {
  const deadline = Date.now() + 60_000;
  for (;;) {
    const args = [
      'operator',
      'namespace',
      'update',
      '--address',
      address,
      '--retention',
      `${retentionDays}d`,
      '-n',
      namespace,
    ];
    const done = await run(program.path, args, { timeoutMs: 15_000, env: plainEnvironment() });
    if (done.code === 0) return;
    if (gaveUp() || Date.now() > deadline) {
      throw new SetupError(`Temporal has no namespace ${namespace}: ${lastLines(done.stderr, 1)}.`, 'See its log.');
    }
    await new Promise((wake) => setTimeout(wake, 100));
  }
}

/** The CLI reads settings of its own (TEMPORAL_*), which may point to another cluster. */
function plainEnvironment() {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('TEMPORAL_')));
}

/**
 * The cluster that was given, if something answers there; what it lacks (namespace, search attributes) the worker makes.
 * @param {NodeJS.ProcessEnv} env
 * @param {(line: string) => void} say
 * @returns {Promise<string | null>} its address; null: none is given, or it does not answer, which is said
 */
export async function givenCluster(env, say) {
  const address = env.TEMPORAL_ADDRESS;
  if (!address) return null;
  const [, host = '', port = ''] = /^(.+):(\d+)$/.exec(address) ?? [];
  if (host !== '' && (await portAnswers({ host, port: Number(port), timeoutMs: 5_000 }))) return address;
  say(`TEMPORAL_ADDRESS: nothing answers at ${address}; trying the next way`);
  return null;
}
