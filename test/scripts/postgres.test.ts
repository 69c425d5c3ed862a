import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync, chmodSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import pg from 'pg';

import { importScript } from '../support/import-script';

interface Running {
  pid: number;
  stop: (graceMs?: number) => Promise<string>;
  ended: Promise<string>;
}

interface Postgres {
  ownerUrl: string;
  appUrl: string;
  dataDir: string;
  process: Running;
}

interface PostgresScript {
  startPostgres: (wish: {
    home: string;
    port: number;
    records: object;
    logFile: string;
    use: 'throwaway';
  }) => Promise<Postgres>;
  cacheMegabytes: (memoryBytes: number) => number;
  wasMemoryHeld: (logFile: string, since: number) => boolean;
  givenPostgres: (env: Record<string, string>) => { ownerUrl: string; appUrl: string } | null;
}

let home: string;
let script: PostgresScript;
let start: () => Promise<Postgres>;

beforeAll(async () => {
  script = await importScript<PostgresScript>('scripts/lib/postgres.mjs');
  const { ProcessRecords } = await importScript<{
    ProcessRecords: new (file: string) => { takeOver: () => Promise<string[]> };
  }>('scripts/lib/processes.mjs');
  const { freePort } = await importScript<{ freePort: () => Promise<number> }>('scripts/lib/ports.mjs');
  home = mkdtempSync(join(tmpdir(), 'letterbook-postgres-'));
  chmodSync(home, 0o755);
  start = async () => {
    const records = new ProcessRecords(join(home, 'processes.json'));
    await records.takeOver();
    const logFile = join(home, 'postgres.log');
    return script.startPostgres({ home, port: await freePort(), records, logFile, use: 'throwaway' });
  };
});

afterAll(() => rmSync(home, { recursive: true, force: true }));

async function ask<Row extends object>(url: string, text: string): Promise<Row | undefined> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Row>(text)).rows[0];
  } finally {
    await client.end();
  }
}

test('its major version is in the name of its folder, and only the owner reads the passwords', async () => {
  const postgres = await start();
  expect(postgres.dataDir).toMatch(/postgres-18$/);
  expect(statSync(join(home, 'postgres-passwords.json')).mode & 0o777).toBe(0o600);
  const role = await ask<{ name: string; rolsuper: boolean }>(
    postgres.appUrl,
    'SELECT rolname AS name, rolsuper FROM pg_roles WHERE rolname = current_user',
  );
  expect(role).toEqual({ name: 'letterbook_login', rolsuper: false });
  expect(await postgres.process.stop()).toBe('ended');
});

test('it starts on the same data after a kill -9, and what was committed is there', async () => {
  const first = await start();
  await ask(first.ownerUrl, 'CREATE TABLE kept AS SELECT 42 AS answer');
  await ask(first.ownerUrl, 'CHECKPOINT');
  process.kill(first.process.pid, 'SIGKILL');
  await first.process.ended;
  expect(existsSync(join(first.dataDir, 'postmaster.pid'))).toBe(true);

  const second = await start();
  expect(await ask(second.ownerUrl, 'SELECT answer FROM kept')).toEqual({ answer: 42 });
  await second.process.stop();
});

test('it waits for children of a killed server that still work, although they write to its log after the refusal', async () => {
  const first = await start();
  const clients = Array.from({ length: 6 }, () => new pg.Client({ connectionString: first.ownerUrl }));
  await Promise.all(clients.map((client) => client.connect()));
  // A query that computes notices only at its end that the server has gone.
  const works = clients.map((client, i) =>
    client.query(`SELECT count(*) FROM generate_series(1, ${(i + 1) * 500_000})`),
  );
  const ended = Promise.allSettled(works);
  for (const client of clients) client.on('error', () => undefined);
  process.kill(first.process.pid, 'SIGKILL');
  await first.process.ended;
  const second = await start();
  expect(await ask(second.ownerUrl, 'SELECT answer FROM kept')).toEqual({ answer: 42 });
  await ended;
  await second.process.stop();
});

test('a refusal for memory that is held is seen whatever was logged after it, and one of an earlier start is not', () => {
  const logFile = join(home, 'held.log');
  const held = 'FATAL:  pre-existing shared memory block (key 1, ID 2) is still in use\n';
  const orphans = 'FATAL:  terminating connection due to unexpected postmaster exit\n'.repeat(9);
  writeFileSync(logFile, held + orphans);
  expect(script.wasMemoryHeld(logFile, 0)).toBe(true);
  expect(script.wasMemoryHeld(logFile, held.length)).toBe(false);
});

test.each([
  [512 * 2 ** 20, 128],
  [4 * 2 ** 30, 512],
  [64 * 2 ** 30, 1_024],
])('of %p bytes of memory it caches %p MB', (memoryBytes, megabytes) => {
  expect(script.cacheMegabytes(memoryBytes)).toBe(megabytes);
});

test('a lock file whose process id belongs to something else by now is stale', async () => {
  const first = await start();
  await first.process.stop();
  const stale = `${process.pid}\n${first.dataDir}\n1\n5432\n\n127.0.0.1\n`;
  writeFileSync(join(first.dataDir, 'postmaster.pid'), stale, { mode: 0o600 });
  const second = await start();
  expect(await ask(second.appUrl, 'SELECT 1 AS one')).toEqual({ one: 1 });
  await second.process.stop();
});

test('a Postgres that runs on the data already is not touched', async () => {
  const running = await start();
  rmSync(join(home, 'processes.json'));
  await expect(start()).rejects.toThrow(
    `Process ${running.process.pid}, a Postgres, runs on ${running.dataDir} already.`,
  );
  expect(await ask(running.appUrl, 'SELECT 1 AS one')).toEqual({ one: 1 });
  await running.process.stop();
});

test('passwords, statements and content stay out of its log', async () => {
  const postgres = await start();
  await expect(ask(postgres.ownerUrl, `SELECT 'marked content' FROM nowhere`)).rejects.toThrow('nowhere');
  await postgres.process.stop();
  expect(readFileSync(join(home, 'postgres.log'), 'utf8')).not.toContain('marked content');
});

test('of the two given databases neither may be missing', () => {
  expect(script.givenPostgres({})).toBeNull();
  expect(() => script.givenPostgres({ DATABASE_URL: 'postgres://a@b/c' })).toThrow(
    'DATABASE_URL is set, but not DATABASE_OWNER_URL.',
  );
});
