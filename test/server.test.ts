import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createConnection, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { issueKey } from './support/api';
import { createTestDatabase, type TestDatabase } from './support/database';

// The process as it is deployed: its environment, its port, its signals.

let database: TestDatabase;
let home: string;
let server: ChildProcessWithoutNullStreams;
let output = '';
let url: string;

beforeAll(async () => {
  database = await createTestDatabase();
  home = await mkdtemp(join(tmpdir(), 'letterbook-server-'));
  server = spawn(process.execPath, ['--import', 'tsx', 'src/server.ts'], {
    env: {
      PATH: process.env['PATH'],
      DATABASE_URL: database.appUrl,
      TEMPORAL_ADDRESS: '127.0.0.1:1',
      LETTERBOOK_HOME: home,
      LETTERBOOK_PORT: '0',
      LETTERBOOK_SECRET_KEYS: `k:${Buffer.alloc(32).toString('base64')}`,
    },
  });
  server.stdout.on('data', (chunk: Buffer) => (output += chunk.toString('utf8')));
  server.stderr.on('data', (chunk: Buffer) => (output += chunk.toString('utf8')));
  url = await outputWith(/"listening":"(http:[^"]+)"/);
});
afterAll(async () => {
  server.kill('SIGKILL');
  await rm(home, { recursive: true, force: true });
  await database.drop();
});

async function outputWith(pattern: RegExp): Promise<string> {
  for (let n = 0; n < 300; n += 1) {
    const found = pattern.exec(output);
    if (found !== null) return found[1] ?? found[0];
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`${String(pattern)} is not in the output: ${output}`);
}

test('it starts and answers while Temporal is away, and says that it is not ready', async () => {
  expect((await fetch(`${url}/healthz`)).status).toBe(200);
  const ready = await fetch(`${url}/readyz`);
  expect([ready.status, await ready.json()]).toEqual([
    503,
    expect.objectContaining({ values: ['temporal', 'worker'] }),
  ]);
});

test('it answers requests with a key, and logs the route but not the address', async () => {
  const key = await issueKey(database.db, await database.newTenant());
  const answer = await fetch(`${url}/v1/mailboxes?limit=1&state=live`, { headers: key.headers });
  expect([answer.status, await answer.json()]).toEqual([200, { items: [], nextCursor: null }]);
  const line = await outputWith(/^.*"route":"\/v1\/mailboxes".*$/m);
  expect(JSON.parse(line)).toMatchObject({ process: 'server', method: 'GET', status: 200 });
  expect(output).not.toContain('state=live');
});

test('told to end, it lets a request end that has begun, then goes with code 0', async () => {
  const exited = new Promise<number | null>((resolve) => server.once('exit', resolve));
  const key = await issueKey(database.db, await database.newTenant());
  const body = '{"label": "late"}';
  const { hostname, port } = new URL(url);
  const socket = createConnection(Number(port), hostname);
  const answer = readAll(socket);
  socket.write(
    `POST /v1/keys HTTP/1.1\r\nHost: x\r\nAuthorization: ${key.headers.authorization}\r\nContent-Type: application/json\r\n` +
      `Content-Length: ${String(body.length)}\r\nConnection: close\r\n\r\n${body.slice(0, 5)}`,
  );
  await new Promise((resolve) => setTimeout(resolve, 300));
  server.kill('SIGTERM');
  await new Promise((resolve) => setTimeout(resolve, 300));
  socket.write(body.slice(5));
  expect(await answer).toMatch(/^HTTP\/1\.1 201 /);
  expect([await exited, output]).toEqual([0, expect.stringContaining('server has ended')]);
});

async function readAll(socket: Socket): Promise<string> {
  let text = '';
  for await (const chunk of socket) text += String(chunk);
  return text;
}
