import { connect, createServer, type Server, type Socket } from 'node:net';

import { importScript } from '../support/import-script';

interface Fault {
  kind: string;
}

interface Schedule {
  faultKinds: { kind: string }[];
  scheduleOf: (wish: { seed: number; count: number; without?: string[] }) => Fault[];
}

interface Proxy {
  port: number;
  connections: number;
  cutAfter: (wish: { bytes: number; withinMs: number }) => Promise<string>;
  cutAll: () => number;
  stall: (wish: { roll: number; forMs: number; then: 'go-on' | 'cut' }) => Promise<boolean>;
  close: () => void;
}

interface Proxies {
  CuttingProxy: { before: (target: { host: string; port: number }) => Promise<Proxy> };
}

let scheduleOf: Schedule['scheduleOf'];
let kinds: string[];

beforeAll(async () => {
  const schedule = await importScript<Schedule>('scripts/chaos/schedule.mjs');
  scheduleOf = schedule.scheduleOf;
  kinds = schedule.faultKinds.map(({ kind }) => kind);
});

describe('the strikes of a run', () => {
  test('are the same for the same seed, and others for another', () => {
    expect(scheduleOf({ seed: 1, count: 100 })).toEqual(scheduleOf({ seed: 1, count: 100 }));
    expect(scheduleOf({ seed: 1, count: 100 })).not.toEqual(scheduleOf({ seed: 2, count: 100 }));
  });

  test.each([1, 16, 40, 41, 1_000])('are %d where so many are asked for', (count) => {
    expect(scheduleOf({ seed: 3, count })).toHaveLength(count);
  });

  test('are of every kind in the short run', () => {
    expect(new Set(scheduleOf({ seed: 4, count: 40 }).map(({ kind }) => kind))).toEqual(new Set(kinds));
  });

  test('are the same ones where some cannot be made, without these', () => {
    const all = scheduleOf({ seed: 5, count: 40 });
    const without = scheduleOf({ seed: 5, count: 40, without: ['full-disk'] });
    expect(without).toEqual(all.filter(({ kind }) => kind !== 'full-disk'));
  });
});

describe('the proxy', () => {
  let server: Server;
  let proxy: Proxy;
  const sockets: Socket[] = [];

  beforeEach(async () => {
    server = createServer((socket) => {
      sockets.push(socket);
      socket.on('error', () => undefined);
      socket.on('data', (bytes) => socket.write(bytes)); // an echo
    });
    const port = await new Promise<number>((listening) => {
      server.listen(0, '127.0.0.1', () => listening((server.address() as { port: number }).port));
    });
    const { CuttingProxy } = await importScript<Proxies>('scripts/chaos/cutting-proxy.mjs');
    proxy = await CuttingProxy.before({ host: '127.0.0.1', port });
  });

  afterEach(async () => {
    proxy.close();
    for (const socket of sockets.splice(0)) socket.destroy();
    await new Promise((closed) => server.close(closed));
  });

  /** A client that notes what it was sent, and how it ended. */
  async function client() {
    const socket = connect(proxy.port, '127.0.0.1');
    sockets.push(socket);
    const heard = { bytes: 0, ending: '' };
    socket.on('data', (bytes) => (heard.bytes += bytes.length));
    socket.on('error', (error: NodeJS.ErrnoException) => (heard.ending = error.code ?? ''));
    const closed = new Promise((done) => socket.once('close', done));
    await new Promise((connected) => socket.once('connect', connected));
    return { socket, heard, closed };
  }

  test('lets everything through in both directions', async () => {
    const { socket, heard } = await client();
    socket.write(Buffer.alloc(300_000));
    await until(() => heard.bytes === 300_000);
    expect(proxy.connections).toBe(1);
  });

  test('cuts after the Nth byte, in the middle of what is being sent', async () => {
    const { socket, heard, closed } = await client();
    const cut = proxy.cutAfter({ bytes: 1_500, withinMs: 60_000 });
    socket.write(Buffer.alloc(1_000));
    await closed;
    await expect(cut).resolves.toBe('cut');
    expect(heard.bytes).toBeLessThanOrEqual(500);
    expect(proxy.connections).toBe(0);
  });

  test('cuts the oldest connection where nothing is sent', async () => {
    const { closed } = await client();
    await expect(proxy.cutAfter({ bytes: 1_500, withinMs: 10 })).resolves.toBe('cut');
    await closed;
  });

  test('holds what is sent, and lets it go on', async () => {
    const { socket, heard } = await client();
    const held = proxy.stall({ roll: 0, forMs: 300, then: 'go-on' });
    socket.write('held');
    await new Promise((wake) => setTimeout(wake, 50));
    expect(heard.bytes).toBe(0);
    await held;
    await until(() => heard.bytes === 4);
  });

  test('holds what is sent, and loses it', async () => {
    const { socket, heard, closed } = await client();
    const held = proxy.stall({ roll: 0, forMs: 50, then: 'cut' });
    socket.write('held');
    await held;
    await closed;
    expect(heard.bytes).toBe(0);
  });
});

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((wake) => setTimeout(wake, 5));
}
