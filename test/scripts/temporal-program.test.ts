import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { importScript } from '../support/import-script';

interface TemporalProgram {
  from: string;
  path: string;
  serverVersion: string;
}

interface Ladder {
  findTemporal: (options: {
    env: Record<string, string>;
    say?: (line: string) => void;
    downloadUrls?: string[];
  }) => Promise<TemporalProgram>;
  cachePath: (env: Record<string, string>) => string;
}

const unreachable = ['http://127.0.0.1:9/archive'];

let ladder: Ladder;
let folder: string;
let said: string[];
let env: Record<string, string>;

beforeAll(async () => {
  ladder = await importScript<Ladder>('scripts/lib/temporal-program.mjs');
});

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'letterbook-ladder-'));
  said = [];
  // A PATH with nothing on it: no temporal, no go.
  env = { PATH: join(folder, 'bin'), LETTERBOOK_CACHE: join(folder, 'cache') };
  mkdirSync(join(folder, 'bin'));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A program that only says its version. */
function fakeCli(path: string, serverVersion: string): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `#!/bin/sh\necho "temporal version 9.9.9 (Server ${serverVersion}, UI 2.50.1)"\n`);
  chmodSync(path, 0o755);
  return path;
}

function find(more: Record<string, string> = {}, downloadUrls = unreachable): Promise<TemporalProgram> {
  return ladder.findTemporal({ env: { ...env, ...more }, say: (line) => said.push(line), downloadUrls });
}

test('the program that the environment names comes first', async () => {
  fakeCli(join(folder, 'bin', 'temporal'), '1.30.0');
  const path = fakeCli(join(folder, 'own'), '1.31.2');
  expect(await find({ TEMPORAL_CLI_PATH: path })).toEqual({ from: 'TEMPORAL_CLI_PATH', path, serverVersion: '1.31.2' });
});

test('a named program that is none is said, and the PATH is tried', async () => {
  const path = fakeCli(join(folder, 'bin', 'temporal'), '1.29.0');
  const found = await find({ TEMPORAL_CLI_PATH: join(folder, 'nothing') });
  expect(found).toEqual({ from: 'PATH', path, serverVersion: '1.29.0' });
  expect(said).toEqual([`TEMPORAL_CLI_PATH: ${join(folder, 'nothing')} is not a program; trying the next way`]);
});

test('a server on the PATH that is older than 1.29 is passed over, by its own version and not the CLI’s', async () => {
  fakeCli(join(folder, 'bin', 'temporal'), '1.28.3');
  const path = fakeCli(ladder.cachePath(env), '1.31.2');
  expect(await find()).toEqual({ from: 'cache', path, serverVersion: '1.31.2' });
  expect(said[0]).toContain('holds server 1.28.3, which is older than 1.29');
});

test('a program that does not name its server is passed over', async () => {
  const path = join(folder, 'bin', 'temporal');
  writeFileSync(path, '#!/bin/sh\necho temporal version 1.5\n');
  chmodSync(path, 0o755);
  fakeCli(ladder.cachePath(env), '1.31.2');
  expect((await find()).from).toBe('cache');
  expect(said[0]).toContain('does not say which Temporal server it holds');
});

test('when no way is left, the error names the remedies, and every way has said why it failed', async () => {
  const failed = find().catch((error: unknown) => String(error));
  expect(await failed).toMatch(/TEMPORAL_ADDRESS.*TEMPORAL_CLI_PATH.*Go/s);
  expect(said.join('\n')).toMatch(/127\.0\.0\.1:9 refuses the connection/);
  expect(said.join('\n')).toMatch(/Go is not installed/);
});

describe('the download', () => {
  let server: Server;
  let url: string;
  const archive = Buffer.from('not the archive that was pinned');

  beforeEach(async () => {
    server = createServer((request, response) => {
      if (request.url === '/moved') response.writeHead(302, { location: '/archive' }).end();
      else if (request.url === '/archive') response.end(archive);
      else response.writeHead(404).end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });

  afterEach(() => new Promise((resolve) => server.close(resolve)));

  test('is refused when its SHA-256 is not the pinned one, and leaves nothing in the cache', async () => {
    await expect(find({}, [`${url}/moved`])).rejects.toThrow('No Temporal server can be had.');
    expect(said.join('\n')).toContain(createHash('sha256').update(archive).digest('hex'));
    await expect(find({}, [`${url}/nothing`])).rejects.toThrow('No Temporal server can be had.');
    expect(said.join('\n')).toContain('answers 404');
  });
});
