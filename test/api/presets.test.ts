import { defaultLimits } from '../../src/config/limits';
import type { Discovery } from '../../src/domain/discovery';
import { presetFor, presetOfMx } from '../../src/domain/provider-presets';
import { issueKey, testApi, type IssuedKey, type TestApi } from '../support/api';
import { createTestDatabase, type TestDatabase } from '../support/database';

let database: TestDatabase;
let server: TestApi;
let key: IssuedKey;
let lookedFor: string[];

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());
beforeEach(async () => {
  server = testApi(database.db, { lookupsAtOnce: 2 });
  key = await issueKey(database.db, await database.newTenant());
  lookedFor = [];
});
afterEach(() => server.api.close());

function finds(found: Discovery | null): void {
  server.context.discoverServer = (domain) => {
    lookedFor.push(domain);
    return Promise.resolve(found);
  };
}

function ask(query: Record<string, string> = {}, headers: Record<string, string> = {}) {
  const url = `/v1/presets?${new URLSearchParams(query).toString()}`;
  return server.api.inject({ url, headers: { ...key.headers, ...headers } });
}

const workspace = (): Discovery => {
  const preset = presetOfMx(['aspmx.l.google.com']);
  if (preset === null) throw new Error('Google Workspace is not known');
  return { source: 'mx', preset };
};
const guessed: Discovery = {
  source: 'guess',
  imap: { host: 'imap.corp.example', port: 993, security: 'tls' },
  smtp: null,
};

interface Answer {
  provider: string;
  steps: { code: string; text: string }[];
  language: string;
}

test('a known provider: servers, limits, what to do first, and where it is written', async () => {
  finds(null);
  const answer = await ask({ address: 'anna@gmail.com' });
  expect(answer.statusCode).toBe(200);
  expect(answer.headers).toMatchObject({
    'content-language': 'en',
    vary: 'authorization, letterbook-user, accept-language',
  });
  expect(answer.json()).toMatchObject({
    provider: 'gmail',
    name: 'Gmail',
    imap: { host: 'imap.gmail.com', port: 993, security: 'tls' },
    smtp: { host: 'smtp.gmail.com', port: 465, security: 'tls' },
    source: 'preset',
    confirmed: true,
    sentCopies: 'server',
    login: 'app-password',
    limits: { connections: 15, connectionsUsed: 3, dailyDownloadBytes: 2_500_000_000 },
    sources: expect.arrayContaining([
      expect.objectContaining({ url: expect.stringContaining('google.com') as unknown }),
    ]) as unknown,
  });
  expect(answer.json<Answer>().steps.map(({ code }) => code)).toEqual([
    'google-two-step',
    'google-app-password',
    'gmail-show-everything',
  ]);
  expect(lookedFor).toEqual([]);
});

test.each([
  ['en', 'app password'],
  ['de', 'App-Passwort'],
  ['nl', 'app-wachtwoord'],
  ['ro', 'parolă pentru aplicații'],
])('the steps are said in %s, by parameter or header', async (language, word) => {
  for (const answer of [
    await ask({ address: 'anna@yahoo.com', language }, { 'accept-language': 'en' }),
    await ask({ address: 'anna@yahoo.com' }, { 'accept-language': `fr, ${language};q=0.7` }),
  ]) {
    expect(answer.headers['content-language']).toBe(language);
    expect(answer.json<Answer>()).toMatchObject({ language });
    expect(answer.json<Answer>().steps[0]?.text).toContain(word);
  }
});

test('a customer of a known provider is recognised, to be confirmed', async () => {
  finds(workspace());
  const answer = (await ask({ address: 'Anna@B\u00fccher.Example' })).json<Answer>();
  expect(answer).toMatchObject({ provider: 'google-workspace', source: 'mx', confirmed: false });
  expect(answer.steps.map(({ code }) => code)).toEqual([
    'confirm-server',
    'workspace-admin',
    'google-two-step',
    'google-app-password',
    'gmail-show-everything',
  ]);
  expect(lookedFor).toEqual(['xn--bcher-kva.example']);
});

test('a server that was found, and none', async () => {
  finds(guessed);
  expect((await ask({ address: 'anna@corp.example' })).json()).toMatchObject({
    ...{ provider: 'other', name: null, imap: guessed.imap, smtp: null, source: 'guess', confirmed: false },
    limits: { connections: null, connectionsUsed: defaultLimits.connectionsPerAccount },
    steps: [{ code: 'confirm-server' }, { code: 'mailbox-password' }],
  });
  finds(null);
  expect((await ask({ address: 'anna@corp.example' })).json()).toMatchObject({
    ...{ provider: 'other', imap: null, source: 'none', confirmed: false },
    steps: [{ code: 'give-server' }, { code: 'mailbox-password' }],
  });
});

test('without an address all presets are listed', async () => {
  const { items, nextCursor } = (await ask({ language: 'de' })).json<{
    items: (Answer & { domains: string[] })[];
    nextCursor: unknown;
  }>();
  const names = new Set(items.map(({ provider }) => provider));
  for (const provider of [
    ...['gmail', 'google-workspace', 'outlook', 'microsoft-365', 'yahoo', 'fastmail', 'icloud', 'gmx', 'web.de'],
    ...['ionos', 'strato', 't-online', 'aol'],
  ]) {
    expect(names).toContain(provider);
  }
  expect(items[0]).toMatchObject({ domains: ['gmail.com', 'googlemail.com'], language: 'de' });
  expect(nextCursor).toBeNull();
});

test.each([
  ['address', { address: 'nobody' }],
  ['address', { address: 'a@b@' }],
  ['address', { address: `${'x'.repeat(300)}@corp.example` }],
  ['language', { language: 'fr' }],
  ['adress', { adress: 'anna@corp.example' }],
])('a bad %s is refused by name', async (field, query) => {
  const answer = await ask(query);
  expect(answer.statusCode).toBe(400);
  expect(answer.json<{ errors: object[] }>().errors).toEqual([expect.objectContaining({ in: 'query', field })]);
});

test('more searches of a tenant at once than are allowed are 429; another tenant is not held up', async () => {
  const waiting: ((found: null) => void)[] = [];
  server.context.discoverServer = () => new Promise((resolve) => waiting.push(resolve));
  const first = [ask({ address: 'a@one.example' }), ask({ address: 'a@two.example' })];
  while (waiting.length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
  const third = await ask({ address: 'a@three.example' });
  expect(third.statusCode).toBe(429);
  expect(third.headers['retry-after']).toBe('5');
  expect((await ask({ address: 'a@gmail.com' })).statusCode).toBe(200);
  const other = await issueKey(database.db, await database.newTenant());
  const elsewhere = ask({ address: 'a@four.example' }, other.headers);
  while (waiting.length < 3) await new Promise((resolve) => setTimeout(resolve, 5));
  for (const resolve of waiting) resolve(null);
  for (const answer of [...(await Promise.all(first)), await elsewhere]) expect(answer.statusCode).toBe(200);
  finds(null);
  expect((await ask({ address: 'a@three.example' })).statusCode).toBe(200);
});

test('no address is logged', async () => {
  finds(null);
  await ask({ address: 'marked-anna@marked.example' });
  expect(server.logged()).not.toContain('marked');
});

describe('connecting without imap', () => {
  const anna = { address: 'anna@corp.example', auth: { type: 'password', password: 'marked-secret' } };
  const send = (payload: object, url = '/v1/mailboxes') =>
    server.api.inject({ method: 'POST', url, headers: key.headers, payload });

  test.each(['/v1/mailboxes', '/v1/mailboxes/preview'])(
    '%s: a server that was only found gets no password; it is suggested, and taken when it comes back',
    async (url) => {
      let previewed = 0;
      server.context.previewMailbox = () => {
        previewed += 1;
        return Promise.resolve({ ok: false, code: 'login-refused', detail: '' });
      };
      for (const found of [guessed, workspace()]) {
        finds(found);
        const answer = await send(anna, url);
        expect(answer.statusCode).toBe(422);
        expect(answer.json()).toMatchObject({
          type: '/problems/server-not-confirmed',
          suggestion: {
            source: found.source,
            imap: found.source === 'mx' ? { host: 'imap.gmail.com' } : guessed.imap,
          },
          errors: [{ in: 'body', field: 'imap', remedy: expect.stringContaining('again with this `imap`') as unknown }],
        });
      }
      expect([server.tried.length, previewed]).toEqual([0, 0]);
      const { suggestion } = (await send(anna, url)).json<{ suggestion: { imap: object } }>();
      await send({ ...anna, imap: suggestion.imap }, url);
      expect(server.tried.length + previewed).toBe(1);
    },
  );

  test('a customer of a provider is shown under its own name, although the host serves others too', async () => {
    server.probe.answer = { ok: true, provider: 'gmail', abilities: [], folders: 1 };
    const answer = await send({ ...anna, imap: { host: 'imap.gmail.com' } });
    expect(answer.json()).toMatchObject({ provider: 'google-workspace', smtp: null });
  });

  test('a preset fills in SMTP too, unless it is refused', async () => {
    const smtp = presetFor('a@gmail.com')?.smtp;
    const filled = await send({ ...anna, address: 'anna@gmail.com' });
    expect(filled.json()).toMatchObject({ provider: 'gmail', smtp });
    const without = await send({ ...anna, address: 'ben@gmail.com', smtp: null });
    expect(without.json()).toMatchObject({ provider: 'gmail', smtp: null });
  });

  test('where nothing is found, imap is what is missing', async () => {
    finds(null);
    const answer = await send(anna);
    expect(answer.statusCode).toBe(400);
    expect(answer.json<{ errors: object[] }>().errors).toEqual([expect.objectContaining({ field: 'imap' })]);
  });

  test('nothing is looked for where a known address is connected already', async () => {
    finds(guessed);
    await send({ ...anna, imap: { host: 'imap.corp.example' } });
    expect((await send(anna)).statusCode).toBe(409);
    expect(lookedFor).toEqual([]);
  });
});
