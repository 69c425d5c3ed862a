import { spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { getPriority, tmpdir } from 'node:os';
import { join } from 'node:path';

import { importScript } from '../support/import-script';

const projectDir = join(__dirname, '..', '..');
const ready = 'Ctrl-C ends everything.';

interface RecordFile {
  processes: { name: string; pid: number; startedAt: string }[];
}

let home: string;
let startOf: (pid: number) => Promise<string | null>;

beforeAll(async () => {
  ({ startOf } = await importScript<{ startOf: (pid: number) => Promise<string | null> }>('scripts/lib/processes.mjs'));
  home = mkdtempSync(join(tmpdir(), 'letterbook-start-'));
  chmodSync(home, 0o755);
});

afterAll(() => rmSync(home, { recursive: true, force: true }));

interface Start {
  child: ChildProcess;
  said: () => string;
  /** Resolves when the words are there, rejects when the start ends without them. */
  until: (words: string) => Promise<void>;
  ended: Promise<number | null>;
}

/** `npm start` on the test's data, without the demo and without what the environment of the tests names. */
function start(more: Record<string, string> = {}, args: string[] = []): Start {
  const outside = ['DATABASE_URL', 'DATABASE_OWNER_URL', 'TEMPORAL_ADDRESS', 'LETTERBOOK_SECRET_KEYS'];
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !outside.includes(name)));
  const child = spawn(process.execPath, [join(projectDir, 'scripts', 'start.mjs'), ...args], {
    env: { ...env, NODE_ENV: 'production', LETTERBOOK_HOME: home, LETTERBOOK_DEMO: 'off', ...more },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes: Buffer) => (said += bytes.toString()));
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  const until = (words: string) =>
    new Promise<void>((resolve, reject) => {
      const look = () => {
        if (said.includes(words)) resolve();
      };
      child.stdout.on('data', look);
      child.once('close', () => reject(new Error(`It ended without saying "${words}":\n${said}`)));
      look();
    });
  return { child, said: () => said, until, ended };
}

function recorded(): RecordFile['processes'] {
  return (JSON.parse(readFileSync(join(home, 'processes.json'), 'utf8')) as RecordFile).processes;
}

async function stillRunning(processes: RecordFile['processes']): Promise<string[]> {
  const now = await Promise.all(
    processes.map(async ({ name, pid, startedAt }) => ({ name, same: (await startOf(pid)) === startedAt })),
  );
  return now.filter(({ same }) => same).map(({ name }) => name);
}

test('it brings up everything, and SIGTERM ends all of it within 15 s', async () => {
  const first = start();
  await first.until(ready);
  const processes = recorded();
  expect(processes.map(({ name }) => name).sort()).toEqual(['API', 'History', 'Postgres', 'Temporal', 'Worker']);
  const priorityOf = (wanted: string) => getPriority(processes.find(({ name }) => name === wanted)?.pid);
  // A higher number is a lower priority.
  expect(priorityOf('History')).toBeGreaterThan(priorityOf('Worker'));

  const [apiUrl] = /http:\/\/127\.0\.0\.1:\d+/.exec(first.said()) ?? [];
  expect((await fetch(`${apiUrl}/readyz`)).status).toBe(200);
  const apiKey = readFileSync(join(home, 'api-key'), 'utf8').trim();
  expect(first.said()).toContain(apiKey);
  for (const name of ['api-key', 'secret-keys', 'postgres-passwords.json']) {
    expect(statSync(join(home, name)).mode & 0o777).toBe(0o600);
  }
  expect((await fetch(`${apiUrl}/v1/mailboxes`)).status).toBe(401);
  const listed = await fetch(`${apiUrl}/v1/mailboxes`, { headers: { authorization: `Bearer ${apiKey}` } });
  expect(listed.status).toBe(200);

  const began = Date.now();
  first.child.kill('SIGTERM');
  expect(await first.ended).toBe(0);
  expect(Date.now() - began).toBeLessThan(15_000);
  expect(await stillRunning(processes)).toEqual([]);
}, 240_000);

test('after a kill -9 the next start ends what was left, and shows the key no second time', async () => {
  const killed = start();
  await killed.until(ready);
  const processes = recorded();
  killed.child.kill('SIGKILL');
  await killed.ended;
  expect(await stillRunning(processes)).toEqual(expect.arrayContaining(['Postgres', 'Temporal']));

  const next = start();
  await next.until(ready);
  expect(await stillRunning(processes)).toEqual([]);
  expect(next.said()).toContain('ending Postgres of an earlier start');
  expect(next.said()).not.toContain('lbk_');

  const second = start();
  expect(await second.ended).toBe(1);
  expect(second.said()).toContain('Letterbook is running already');
  expect(recorded()).toHaveLength(5);

  next.child.kill('SIGINT');
  expect(await next.ended).toBe(0);
}, 240_000);

test('a port that was asked for by name and is taken is an error, and nothing stays running', async () => {
  const { createServer } = await import('node:net');
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  const address = other.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const refused = start({ LETTERBOOK_TEMPORAL_PORT: String(port) });
  expect(await refused.ended).toBe(1);
  expect(refused.said()).toContain(`Port ${port}, asked for by LETTERBOOK_TEMPORAL_PORT, is taken.`);
  expect(() => readFileSync(join(home, 'processes.json'))).toThrow('ENOENT');
  other.close();
}, 120_000);

test('--reset deletes nothing unless somebody says so', async () => {
  const refused = start({}, ['--reset']);
  expect(await refused.ended).toBe(1);
  expect(refused.said()).toContain('Say that you mean it with --yes.');
  expect(statSync(join(home, 'api-key')).isFile()).toBe(true);
}, 120_000);
