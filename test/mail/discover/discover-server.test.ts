import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { Discovery } from '../../../src/domain/discovery';
import type { ServerAddress } from '../../../src/domain/provider-presets';
import { discoverServer, type DiscoverOptions } from '../../../src/mail/discover/discover-server';
import { dnsQuestions } from '../../../src/mail/discover/dns-answers';
import { usualServers } from '../../../src/mail/discover/server-names';
import { startDnsServer, type TestDnsServer, type Zone } from '../../support/dns-server';
import { importScript } from '../../support/import-script';
import { startScriptedServer, type Script, type ScriptedServer } from '../../support/scripted-imap-server';

const closing: (() => Promise<void>)[] = [];
let dns: TestDnsServer;

afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

async function mailServer(script: Script = {}): Promise<ScriptedServer> {
  const server = await startScriptedServer(script);
  closing.push(() => server.stop());
  return server;
}

const plain = (port: number, host = 'imap.corp.example'): ServerAddress => ({ host, port, security: 'starttls' });
const offersTls: Script = { capabilities: ['STARTTLS'] };

/** Every name is this machine, which the rules allow; the usual servers are those of the test. */
async function discovered(
  zone: Zone,
  change: Partial<DiscoverOptions> & { silentDns?: true } = {},
  domain = 'corp.example',
): Promise<Discovery | null> {
  dns = await startDnsServer(zone, change.silentDns === true ? 'silent' : 'answers');
  closing.push(dns.stop);
  return discoverServer(domain, {
    dns: dnsQuestions({ timeoutMs: 500, servers: [dns.address] }),
    hostRules: {
      allowedNetworks: ['127.0.0.0/8'],
      lookup: () => Promise.resolve([{ address: '127.0.0.1' }]),
    },
    timeoutMs: 10_000,
    triesAtOnce: 4,
    usual: () => [],
    ...change,
  });
}

test('addresses are asked of the same DNS servers, which takes no thread that others wait for', async () => {
  const server = await mailServer(offersTls);
  const imap = plain(server.port);
  const found = await discovered(
    { 'imap.corp.example': { a: ['127.0.0.1'] } },
    { usual: () => [imap], hostRules: { allowedNetworks: ['127.0.0.0/8'] } },
  );
  expect(found).toMatchObject({ source: 'guess', imap });
  expect(dns.asked).toContain('A imap.corp.example');
});

describe('by MX', () => {
  test("a domain whose mail a known provider takes is that provider's customer, and nobody is connected to", async () => {
    const server = await mailServer(offersTls);
    const answer = await discovered(
      {
        'corp.example': {
          mx: [
            [10, 'alt1.aspmx.l.google.com'],
            [1, 'aspmx.l.google.com'],
          ],
        },
      },
      { usual: () => [plain(server.port)] },
    );
    expect(answer).toMatchObject({
      source: 'mx',
      preset: { provider: 'google-workspace', imap: { host: 'imap.gmail.com', port: 993, security: 'tls' } },
    });
    expect(dns.asked).toContain('MX corp.example');
    expect(server.commands).toEqual([]);
  });

  test('comes before SRV', async () => {
    const answer = await discovered({
      'corp.example': { mx: [[0, 'corp-example.mail.protection.outlook.com']] },
      '_imaps._tcp.corp.example': { srv: [[0, 1, 993, 'imap.elsewhere.example']] },
    });
    expect(answer).toMatchObject({ source: 'mx', preset: { provider: 'microsoft-365' } });
  });

  test('the MX with the lowest number that is known decides', async () => {
    const answer = await discovered({
      'corp.example': {
        mx: [
          [20, 'mx00.ionos.de'],
          [5, 'mx.filter.example'],
          [10, 'smtpin.rzone.de'],
        ],
      },
    });
    expect(answer).toMatchObject({ source: 'mx', preset: { provider: 'strato' } });
  });
});

describe('by SRV (RFC 6186)', () => {
  test('the server of the record with the lowest priority that greets', async () => {
    const [first, second] = [await mailServer(offersTls), await mailServer(offersTls)];
    const answer = await discovered({
      '_imap._tcp.corp.example': {
        srv: [
          [20, 0, first.port, 'late.corp.example'],
          [10, 0, second.port, 'early.corp.example'],
        ],
      },
      '_submissions._tcp.corp.example': { srv: [[0, 0, 465, 'out.corp.example']] },
    });
    expect(answer).toEqual({
      source: 'srv',
      imap: plain(second.port, 'early.corp.example'),
      smtp: { host: 'out.corp.example', port: 465, security: 'tls' },
    });
  });

  test('the heavier of two with the same priority', async () => {
    const [light, heavy] = [await mailServer(offersTls), await mailServer(offersTls)];
    const srv: [number, number, number, string][] = [
      [0, 1, light.port, 'light.corp.example'],
      [0, 9, heavy.port, 'heavy.corp.example'],
    ];
    const answer = await discovered({ '_imap._tcp.corp.example': { srv } });
    expect(answer).toMatchObject({ imap: { host: 'heavy.corp.example' } });
  });

  test('a service with the target "." is not offered (RFC 2782), and a name that is none is passed over', async () => {
    const server = await mailServer(offersTls);
    const srv: [number, number, number, string][] = [
      [0, 0, 0, '.'],
      [1, 0, server.port, 'no_host name.example'],
    ];
    expect(await discovered({ '_imaps._tcp.corp.example': { srv }, '_imap._tcp.corp.example': { srv } })).toBeNull();
    expect(server.commands).toEqual([]);
  });

  test('one that leads into a private network is not told, and not connected to', async () => {
    const server = await mailServer(offersTls);
    const srv: [number, number, number, string][] = [[0, 0, server.port, 'inside.corp.example']];
    const answer = await discovered(
      { '_imap._tcp.corp.example': { srv } },
      { hostRules: { allowedNetworks: [], lookup: () => Promise.resolve([{ address: '127.0.0.1' }]) } },
    );
    expect(answer).toBeNull();
    expect(server.commands).toEqual([]);
  });
});

describe('by the usual names', () => {
  test('imap., mail. and the domain itself, TLS before STARTTLS', () => {
    expect(usualServers('corp.example').map(({ host, port }) => `${host}:${String(port)}`)).toEqual([
      'imap.corp.example:993',
      'mail.corp.example:993',
      'corp.example:993',
      'imap.corp.example:143',
      'mail.corp.example:143',
      'corp.example:143',
    ]);
  });

  test('the likeliest that greets, not the quickest', async () => {
    const [slow, quick] = [
      await mailServer({
        ...offersTls,
        on: {
          CAPABILITY: ({ usual }) => {
            setTimeout(usual, 300);
          },
          LOGOUT: () => undefined,
        },
      }),
      await mailServer(offersTls),
    ];
    const usual = () => [plain(slow.port, 'imap.corp.example'), plain(quick.port, 'mail.corp.example')];
    expect(await discovered({}, { usual })).toEqual({
      source: 'guess',
      imap: plain(slow.port, 'imap.corp.example'),
      smtp: null,
    });
  });

  test('not what does not greet as IMAP, has no STARTTLS, says nothing, or is closed', async () => {
    const useless = [
      await mailServer({ greeting: '220 mail.example.org ESMTP\r\n' }),
      await mailServer(),
      await mailServer({ greeting: null }),
      await mailServer({ greeting: '* BYE go away\r\n' }),
    ];
    const closed = await mailServer();
    await closed.stop();
    closing.pop();
    const good = await mailServer(offersTls);
    const usual = () => [...useless, closed, good].map(({ port }) => plain(port));
    expect(await discovered({}, { usual, timeoutMs: 3_000 })).toMatchObject({ imap: { port: good.port } });
    expect(good.commands).toEqual(['CAPABILITY', 'LOGOUT']);
  });

  test('no more are tried at the same time than is allowed', async () => {
    const silent = await Promise.all([1, 2, 3, 4, 5].map(() => mailServer({ greeting: null })));
    let most = 0;
    const counting = setInterval(() => {
      most = Math.max(most, silent.filter(({ sockets }) => sockets.size > 0).length);
    }, 5);
    const usual = () => silent.map(({ port }) => plain(port));
    expect(await discovered({}, { usual, triesAtOnce: 2, timeoutMs: 1_500 })).toBeNull();
    clearInterval(counting);
    expect(most).toBe(2);
  });
});

describe('over TLS', () => {
  interface Certificates {
    makeCertificate: (wish: { dir: string }) => Promise<{ certFile: string; keyFile: string; caFile: string }>;
  }
  let dir: string;
  let made: { key: string; cert: string; ca: string };
  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'letterbook-tls-'));
    const { makeCertificate } = await importScript<Certificates>('scripts/lib/certificates.mjs');
    const { certFile, keyFile, caFile } = await makeCertificate({ dir });
    const [key = '', cert = '', ca = ''] = [keyFile, certFile, caFile].map((file) => readFileSync(file, 'utf8'));
    made = { key, cert, ca };
  });
  afterAll(() => {
    rmSync(dir, { recursive: true, force: true });
  });

  const overTls = (port: number, host: string): ServerAddress => ({ host, port, security: 'tls' });

  test('a server whose certificate is good for its name comes before a likelier one whose is not', async () => {
    const server = await mailServer({ tls: { ...made, from: 'start' } });
    const usual = () => [overTls(server.port, 'imap.corp.example'), overTls(server.port, 'localhost')];
    expect(await discovered({}, { usual, ca: made.ca })).toMatchObject({ imap: { host: 'localhost' } });
  });

  test('one whose certificate is not good is told where there is no other, so that connecting says why', async () => {
    const server = await mailServer({ tls: { ...made, from: 'start' } });
    const usual = () => [overTls(server.port, 'imap.corp.example')];
    expect(await discovered({}, { usual })).toMatchObject({ source: 'guess', imap: { host: 'imap.corp.example' } });
  });
});

test('nothing is found where nothing is there', async () => {
  expect(await discovered({})).toBeNull();
});

test('servers that never answer end the search in its time', async () => {
  const silent = await mailServer({ greeting: null });
  const usual = () => [plain(silent.port), plain(silent.port)];
  const started = Date.now();
  expect(await discovered({}, { silentDns: true, usual, timeoutMs: 1_000 })).toBeNull();
  expect(Date.now() - started).toBeLessThan(5_000);
});

test('a DNS that does not answer leaves the usual names', async () => {
  const server = await mailServer(offersTls);
  expect(await discovered({}, { silentDns: true, usual: () => [plain(server.port)] })).toMatchObject({
    source: 'guess',
  });
});

test.each(['localhost', '[127.0.0.1]', '127.0.0.1', '', 'a b.example', '-.example', 'x'.repeat(300)])(
  'nothing is asked for %j, which is no mail domain',
  async (domain) => {
    expect(await discovered({}, {}, domain)).toBeNull();
    expect(dns.asked).toEqual([]);
  },
);

test('a domain in its own script is asked for as the DNS has it', async () => {
  await discovered({}, {}, 'b\u00fccher.example');
  expect(dns.asked).toContain('MX xn--bcher-kva.example');
});

test('no connection is left open', async () => {
  const [silent, good] = [await mailServer({ greeting: null }), await mailServer(offersTls)];
  await discovered({}, { usual: () => [plain(good.port), plain(silent.port)] });
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(silent.sockets.size + good.sockets.size).toBe(0);
});
