import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

import { importScript } from '../support/import-script';

interface Product {
  untilReady: (wait: {
    apiUrl: string;
    processes: [];
    home: string;
    timeoutMs: number;
    say?: (line: string) => void;
  }) => Promise<void>;
}

const timeoutMs = 300;
let missing: string[];
let asked: number;
let server: Server;
let wait: Parameters<Product['untilReady']>[0];
let untilReady: Product['untilReady'];

beforeAll(async () => {
  ({ untilReady } = await importScript<Product>('scripts/lib/product.mjs'));
});

beforeEach(async () => {
  asked = 0;
  server = createServer((_request, response) => {
    asked += 1;
    response.writeHead(missing.length === 0 ? 200 : 503, { 'content-type': 'application/problem+json' });
    response.end(JSON.stringify({ type: '/problems/not-ready', detail: 'Missing.', values: missing }));
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  wait = { apiUrl: `http://127.0.0.1:${String(port)}`, processes: [], home: '/nowhere', timeoutMs };
});

afterEach(() => new Promise((closed) => server.close(closed)));

test('a restored state is waited for until it is as it was erased, however long that takes, and it is said once', async () => {
  missing = ['erasures'];
  const said: string[] = [];
  let isReady = false;
  const ready = untilReady({ ...wait, say: (line) => said.push(line) }).then(() => {
    isReady = true;
  });
  await new Promise((later) => setTimeout(later, 3 * timeoutMs));
  expect(isReady).toBe(false);
  missing = [];
  await ready;
  expect(said).toEqual([expect.stringContaining('restored')]);
});

test('what is missing beside is not waited for for ever', async () => {
  missing = ['worker', 'erasures'];
  await expect(untilReady(wait)).rejects.toThrow('does not get ready');
  expect(asked).toBeGreaterThan(1);
});
