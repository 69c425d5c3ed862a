// @ts-check
// Strikes the whole product while mail comes and is sorted, and then compares what it holds with what the server holds: `npm run chaos [-- options]`.
//   --faults N      how many strikes (40)
//   --seed N        makes strikes and mail the same again (another one each time; it is printed)
//   --minutes M     strikes no longer than so
//   --mailboxes N   in two companies (8)
//   --sessions N    first so many rounds of mailboxes on servers that lie, as `npm run fuzz` plays them (10,000 from 1,000 faults on, else 0)
//   --report FILE   writes the report, as JSON, or as Markdown where the name ends in .md
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { everyOtherAsContact } from './bench/mail-server.mjs';
import { Actor } from './chaos/actor.mjs';
import { fakeClock } from './chaos/fake-clock.mjs';
import { comparedIn, violationsOf } from './chaos/compare.mjs';
import { factsOf, publicId, shownBy } from './chaos/facts.mjs';
import { grouped } from './chaos/grouped.mjs';
import { writers } from './chaos/letters.mjs';
import { leaksIn } from './chaos/log-leaks.mjs';
import { playLyingServers, sessionsOf } from './chaos/lying-servers.mjs';
import { quietWithinMs, untilQuiet } from './chaos/quiet.mjs';
import { reportLines, sumOf } from './chaos/report.mjs';
import { scheduleOf } from './chaos/schedule.mjs';
import { mountSmallDisk } from './chaos/small-disk.mjs';
import { startStack } from './chaos/stack.mjs';
import { passwordsOf, strikeAll, writePasswordFile } from './chaos/strike.mjs';
import { verifiedViolations } from './chaos/verified.mjs';
import { build } from './lib/build.mjs';
import { findDovecot, startDovecot } from './lib/dovecot.mjs';
import { endInOrder, onEndSignal } from './lib/ending.mjs';
import { homeDir, placeOf, serverAccount } from './lib/places.mjs';
import { freePort } from './lib/ports.mjs';
import { ProcessRecords } from './lib/processes.mjs';
import { SetupError, stackOf } from './lib/setup-error.mjs';
import { removeState } from './lib/state.mjs';
import { Terminal } from './lib/terminal.mjs';

const { values: options } = parseArgs({
  options: {
    faults: { type: 'string', default: '40' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 1_000_000)) },
    minutes: { type: 'string', default: 'Infinity' },
    mailboxes: { type: 'string', default: '8' },
    sessions: { type: 'string' },
    report: { type: 'string' },
  },
});
const seed = Number(options.seed);
const messagesAtFirst = 25;
const pauseMs = 150;
const shownViolations = 40;

const terminal = new Terminal();
const base = join(homeDir(process.env), 'chaos');
const home = join(base, 'run');
const logDir = join(base, 'logs');
const records = new ProcessRecords(join(base, 'processes.json'));
const say = (/** @type {string} */ line) => terminal.line(`    ${line}`);
/** @type {(() => Promise<void>)[]} what is undone at the end, the last first */
const undo = [];
/** @type {import('./chaos/stack.mjs').Stack | null} */
let running = null;

onEndSignal(() => {
  terminal.quietSteps();
  void end(130);
});
try {
  const sessions = sessionsOf({ sessions: options.sessions, faults: Number(options.faults) });
  const lies = await playLyingServers({ sessions, seed });
  await end(Math.max(lies, await main()));
} catch (error) {
  if (records.isClosing) await new Promise(() => {}); // whatever fails now was ended by us
  terminal.line(`\nChaos cannot go on (seed ${seed}): ${/** @type {Error} */ (error).message}`);
  terminal.line(`  The logs are in ${logDir}`);
  if (!(error instanceof SetupError)) terminal.line(stackOf(error));
  await end(1);
}

/** @returns {Promise<number>} the exit code */
async function main() {
  terminal.line(`  Seed ${seed}`);
  mkdirSync(base, { recursive: true });
  await records.takeOver({ say });
  rmSync(logDir, { recursive: true, force: true });
  await build(terminal);
  const field = await terminal.step('Servers and Letterbook', (step) => fieldOf(step));
  const { stack, dovecot, leftOut, accounts } = field;
  const actor = new Actor({ server: dovecot, accounts, seed, pauseMs });
  await terminal.step(`${accounts.length} mailboxes`, async () => {
    await actor.fill(messagesAtFirst);
    await connectAll(stack, accounts, dovecot.host);
  });
  /** @type {Record<string, number>} */
  const faults = {};
  const began = Date.now();
  await terminal.step('Strikes', async ({ progress }) => {
    actor.start(2);
    const schedule = scheduleOf({ seed, count: Number(options.faults), without: Object.keys(leftOut) });
    const isOver = () => Date.now() - began > Number(options.minutes) * 60_000;
    const struck = (/** @type {import('./chaos/schedule.mjs').Fault} */ { kind }) => {
      faults[kind] = (faults[kind] ?? 0) + 1;
      progress(sumOf(faults), schedule.length, 'faults');
    };
    await strikeAll(field, { faults: schedule, isOver, struck });
    await actor.stop();
  });
  const struckForMs = Date.now() - began;
  const result = await terminal.step('Rest and comparison', () => comparison(field, struckForMs));
  const verified = await terminal.step('npm run verify', () => verifiedViolations({ home, appUrl: stack.appUrl }));
  const outcome = {
    seed,
    faults,
    leftOut,
    operations: actor.counts,
    mailboxes: accounts.length,
    struckForMs,
    machine: machineOf(dovecot),
    ...result,
    violations: [...result.violations, ...verified],
  };
  await tell(outcome, stack);
  return outcome.violations.length === 0 ? 0 : 1;
}

/** @param {import('./lib/terminal.mjs').Step} step */
async function fieldOf({ say: aside }) {
  /** @type {Record<string, string>} */
  const leftOut = {};
  const disk = await mountSmallDisk({ home: base, say: aside });
  if (typeof disk === 'string') leftOut['full-disk'] = disk;
  else undo.push(disk.remove);
  undo.push(async () => removeState(home));
  removeState(home);
  mkdirSync(home, { recursive: true });
  const clock = await fakeClock({ dir: home, say: aside });
  if (typeof clock === 'string') leftOut['step-clock'] = clock;

  const accounts = accountsOf(Number(options.mailboxes));
  const server = await mailServer(accounts);
  const stack = await startStack({
    home,
    databaseHome: typeof disk === 'string' ? join(home, 'databases') : join(disk.dir, 'databases'),
    logDir,
    records,
    dovecot: server.dovecot,
    secondWorker: typeof clock === 'string' ? {} : clock.env,
    say: aside,
  });
  running = stack;
  const made = { disk: typeof disk === 'string' ? null : disk, clock: typeof clock === 'string' ? null : clock };
  return { stack, accounts, leftOut, say, ...server, ...made };
}

/** Several companies, and both ways of what becomes of mail that is removed. @param {number} count @returns {import('./chaos/account.mjs').Account[]} */
function accountsOf(count) {
  return Array.from({ length: count }, (_, index) => ({
    user: `box${index}@chaos.example`,
    tenant: index % 3 === 2 ? 1 : 0,
    removals: index % 2 === 0 ? /** @type {const} */ ('mirror') : /** @type {const} */ ('keep'),
    password: 'pass',
    id: '',
  }));
}

/** @param {import('./chaos/account.mjs').Account[]} accounts */
async function mailServer(accounts) {
  const program = await findDovecot({ say });
  const dir = placeOf({ home, name: 'dovecot', account: await serverAccount(['nobody']), say });
  const passwordFile = join(dir, 'passwords');
  const writePasswords = (/** @type {Map<string, string>} */ passwords) => writePasswordFile(passwordFile, passwords);
  writePasswords(passwordsOf(accounts));
  const ports = { imap: await freePort(), imaps: await freePort(), lmtp: await freePort() };
  const start = () => startDovecot({ dir, program, records, ports, passwordFile });
  let dovecot = await start();
  const restartMailServer = async () => {
    await dovecot.stop();
    dovecot = await start();
  };
  return { dovecot, writePasswords, restartMailServer };
}

/** @param {import('./chaos/stack.mjs').Stack} stack @param {import('./chaos/account.mjs').Account[]} accounts @param {string} host */
async function connectAll({ tenants, proxies }, accounts, host) {
  const contacts = everyOtherAsContact(writers);
  for (const { api } of tenants) await api.upload('/v1/records/bulk', contacts);
  for (const account of accounts) {
    const { user, password, tenant, removals } = account;
    const { api } = tenants[tenant] ?? fail();
    const { id } = await api.post('/v1/mailboxes', {
      address: user,
      imap: { host, port: proxies.mail.port, security: 'none' },
      auth: { type: 'password', username: user, password },
      policy: { start: { from: 'everything' }, removals, removalGraceSeconds: 5, refreshSeconds: 10 },
    });
    account.id = id;
  }
}

/** @returns {never} */
function fail() {
  throw new Error('every mailbox belongs to a company');
}

/** @param {Awaited<ReturnType<typeof fieldOf>>} field @param {number} struckForMs */
async function comparison({ stack, accounts, dovecot }, struckForMs) {
  const database = await stack.openDatabase();
  let confirmedRemovals = 0;
  const { isQuiet, afterMs, notQuiet } = await untilQuiet({
    database,
    product: stack,
    shown: await shownBy(dovecot, stack, accounts),
    whatIsDown: stack.whatIsDown,
    timeoutMs: quietWithinMs(struckForMs),
    answered: (count) => (confirmedRemovals += count),
    say,
  });
  const facts = await factsOf({ database, server: dovecot, product: stack, accounts });
  await database.end();
  const removed = facts.outbox.filter(({ type }) => type === 'message.removed').length;
  const restless = isQuiet ? [] : notQuiet.map((what) => ({ kind: 'not-at-rest', what }));
  const { parts } = stack;
  const all = [parts.postgres, parts.temporal, parts.api, ...parts.workers];
  const endedByThemselves = Object.fromEntries(
    all.filter((part) => part.endedByItself.length > 0).map((part) => [part.name, timesOf(part.endedByItself)]),
  );
  const violations = [...violationsOf(facts), ...restless, ...leaksIn(logDir)];
  return {
    isQuiet,
    quietAfterMs: afterMs,
    notQuiet,
    confirmedRemovals,
    removed,
    compared: comparedIn(facts),
    endedByThemselves,
    violations,
  };
}

/** @param {string[]} words @returns {string} each once, with how often it is there */
function timesOf(words) {
  return [...grouped(words, (word) => word)].map(([word, same]) => `${word} (${same.length} times)`).join(', ');
}

/** @param {import('./chaos/report.mjs').Outcome} outcome @param {import('./chaos/stack.mjs').Stack} stack */
async function tell(outcome, stack) {
  const lines = reportLines(outcome);
  terminal.line();
  for (const line of lines) terminal.line(`  ${line}`);
  for (const [name, how] of Object.entries(outcome.endedByThemselves))
    terminal.line(`  ${name} ended by itself: ${how}`);
  if (options.report) {
    mkdirSync(join(options.report, '..'), { recursive: true });
    writeFileSync(
      options.report,
      options.report.endsWith('.md') ? `${lines.join('\n')}\n` : `${JSON.stringify(outcome, null, 2)}\n`,
    );
  }
  const { violations } = outcome;
  if (violations.length === 0) return;
  terminal.line(`\n  ${violations.length} violations, with seed ${seed}:`);
  for (const { kind, what } of violations.slice(0, shownViolations)) terminal.line(`  ${kind}: ${what}`);
  if (violations.length > shownViolations) terminal.line(`  ... and ${violations.length - shownViolations} more`);
  const messages = new Map(violations.flatMap((one) => (one.messageId ? [[one.messageId, one.tenantId]] : [])));
  for (const [messageId, tenantId] of [...messages].slice(0, 10)) await tellTrail(stack, { messageId, tenantId });
  writeFileSync(join(base, 'violations.json'), JSON.stringify(outcome, null, 2));
  terminal.line(`\n  All of them are in ${join(base, 'violations.json')}, the logs in ${logDir}`);
}

/** @param {import('./chaos/stack.mjs').Stack} stack @param {{messageId: string, tenantId: string | undefined}} message */
async function tellTrail({ tenants }, { messageId, tenantId }) {
  const path = `/v1/messages/${publicId('msg', messageId)}/trail`;
  const api = tenants.find((tenant) => tenant.tenantId === tenantId)?.api;
  const trail = await api?.get(path).catch((error) => ({ items: [{ error: error.message }] }));
  terminal.line(`  GET ${path}`);
  for (const item of trail.items) terminal.line(`    ${JSON.stringify(item)}`);
}

/** @param {import('./lib/dovecot.mjs').Dovecot} dovecot */
function machineOf({ version }) {
  return `${cpus().length} cores, ${cpus()[0]?.model ?? ''}, Node ${process.version}, Dovecot ${version}`;
}

/** @param {number} code */
async function end(code) {
  records.beginClosing();
  await running?.stop();
  await endInOrder(records);
  for (const step of undo.splice(0).toReversed()) await step();
  process.exit(code);
}
