import { createHash } from 'node:crypto';

import { fillSearch } from '../../src/db/search-fill';
import { publicId } from '../../src/domain/ids';
import type { PartDescriptor } from '../../src/domain/message';
import type { Visibility } from '../../src/domain/policy';
import { issueKey, testApi, type TestApi } from '../support/api';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { aMailbox, aMessage, aRecord, aUser } from '../support/mail-rows';

/*
 * Who may see what (product promise C12), at every endpoint that shows content. The message has a marked word in each layer; what a
 * viewer may not see must not stand anywhere in what they get, and what they may see must.
 */

const viewers = ['owner', 'member', 'participant', 'colleague', 'admin', 'tenant key', 'other tenant'] as const;
type Who = (typeof viewers)[number];
type Sees = 'all' | 'full' | 'subject' | 'metadata' | 'nothing';

/** `all`: with what belongs to the copy. */
const table: Record<Visibility, Record<Who, Sees>> = {
  private: row('nothing'),
  metadata: row('metadata'),
  subject: row('subject'),
  full: row('full'),
};

function row(others: Sees): Record<Who, Sees> {
  return {
    owner: 'all',
    member: 'all',
    'tenant key': 'all',
    participant: 'full',
    colleague: others,
    admin: others,
    'other tenant': 'nothing',
  };
}

const marks = {
  name: 'Nomenname',
  subject: 'Subjektwort',
  text: 'Textwort',
  file: 'Dateiname',
  attachment: 'Anhangwort',
  bcc: 'blindkopie',
  delivered: 'zustellung',
};
type Mark = keyof typeof marks;

const ofLevel: Record<Sees, Mark[]> = {
  nothing: [],
  metadata: ['name'],
  subject: ['name', 'subject'],
  full: ['name', 'subject', 'text', 'file', 'attachment'],
  all: ['name', 'subject', 'text', 'file', 'attachment', 'bcc', 'delivered'],
};

const attachmentBody = marks.attachment;
const raw = Buffer.from(
  [
    `Delivered-To: ${marks.delivered}@company.example`,
    `Received: for <${marks.bcc}@x.example>`,
    `From: ${marks.name} <kunde@kunde.example>`,
    `Bcc: ${marks.bcc}@x.example`,
    `X-Envelope-To:`,
    ` ${marks.bcc}@x.example`,
    `Subject: ${marks.subject}`,
    '',
    `${marks.text} ${marks.file}`,
    attachmentBody,
    '',
  ].join('\r\n'),
);

const part: PartDescriptor = {
  n: 1,
  section: '2',
  contentType: 'text/plain',
  charset: null,
  encoding: 'identity',
  disposition: 'attachment',
  filename: `${marks.file}.txt`,
  contentId: null,
  offset: raw.indexOf(attachmentBody),
  length: attachmentBody.length,
  role: 'attachment',
  kept: true,
};

let database: TestDatabase;
let server: TestApi;

beforeAll(async () => {
  database = await createTestDatabase();
  server = testApi(database.db);
});
afterAll(async () => {
  await server.api.close();
  await database.drop();
});

interface Scene {
  headers: Record<Who, Record<string, string>>;
  message: string;
  copy: string;
  thread: string;
  record: string;
  mailbox: string;
}

async function sceneOf(visibility: Visibility): Promise<Scene> {
  const tenantId = await database.newTenant();
  const { db } = database;
  const people = {
    owner: await aUser(db, tenantId),
    member: await aUser(db, tenantId),
    participant: await aUser(db, tenantId),
    colleague: await aUser(db, tenantId),
    admin: await aUser(db, tenantId, { role: 'admin' }),
  };
  const mailbox = await aMailbox(db, tenantId, {
    visibility,
    ownerUserId: people.owner.id,
    memberUserIds: [people.member.id],
  });
  const record = await aRecord(db, tenantId, { addresses: ['kunde@kunde.example'] });
  const [blob] = await server.context.blobs.putBatch(mailbox, [
    { sha256: createHash('sha256').update(raw).digest(), bytes: raw },
  ]);
  const message = await aMessage(db, mailbox, {
    from: `${marks.name} <kunde@kunde.example>`,
    cc: [people.participant.address],
    bcc: [`${marks.bcc}@x.example`],
    deliveredTo: [`${marks.delivered}@company.example`],
    subject: marks.subject,
    text: marks.text,
    messageId: '<marked@kunde.example>',
    parts: [part],
    bytes: { blobId: blob?.blobId ?? '', raw },
  });
  await fillSearch(db, tenantId, 10);
  const { headers: tenant } = await issueKey(db, tenantId);
  const as = (user: { id: string }) => ({ ...tenant, 'letterbook-user': publicId('user', user.id) });
  return {
    headers: {
      owner: as(people.owner),
      member: as(people.member),
      participant: as(people.participant),
      colleague: as(people.colleague),
      admin: as(people.admin),
      'tenant key': tenant,
      'other tenant': (await issueKey(db, await database.newTenant())).headers,
    },
    message: publicId('message', message.id),
    copy: publicId('copy', message.copyId),
    thread: publicId('thread', message.threadId),
    record: publicId('record', record),
    mailbox: publicId('mailbox', mailbox.sourceId),
  };
}

/** Every endpoint that shows content, with what it shows of a message at most. */
function endpoints(scene: Scene): { url: string; shows: Mark[] }[] {
  const inLists: Mark[] = ['name', 'subject', 'text'];
  return [
    { url: `/v1/messages/${scene.message}`, shows: [...inLists, 'file', 'bcc', 'delivered'] },
    { url: `/v1/messages/${scene.message}?html=true`, shows: [...inLists, 'file', 'bcc', 'delivered'] },
    { url: `/v1/messages/${scene.message}/trail`, shows: [] },
    { url: `/v1/messages/${scene.message}/raw`, shows: [...inLists, 'file', 'attachment', 'bcc', 'delivered'] },
    { url: `/v1/messages/${scene.message}/attachments/1`, shows: ['attachment'] },
    { url: `/v1/threads/${scene.thread}`, shows: inLists },
    { url: `/v1/records/${scene.record}/timeline`, shows: inLists },
    { url: `/v1/records/${scene.record}/timeline?fold=threads`, shows: inLists },
    { url: '/v1/messages', shows: inLists },
    { url: '/v1/messages?unassigned=true', shows: [] },
    { url: `/v1/messages?recordId=${scene.record}`, shows: inLists },
    { url: '/v1/messages?address=kunde@kunde.example', shows: inLists },
    { url: '/v1/find?messageIdHeader=marked@kunde.example', shows: ['subject', 'bcc', 'delivered'] },
  ];
}

/** Of a message's bytes nothing is served below `full`. */
const bytesOnly = /\/(raw|attachments)/;

function expectedMarks(endpoint: { url: string; shows: Mark[] }, sees: Sees): Mark[] {
  if (bytesOnly.test(endpoint.url) && sees !== 'full' && sees !== 'all') return [];
  return endpoint.shows.filter((mark) => ofLevel[sees].includes(mark));
}

const get = (url: string, headers: Record<string, string>) => server.api.inject({ method: 'GET', url, headers });

const marksIn = (body: string) =>
  (Object.keys(marks) as Mark[]).filter((mark) => body.toLowerCase().includes(marks[mark].toLowerCase())).sort();

describe.each(Object.keys(table) as Visibility[])('mail of a mailbox that is %s', (visibility) => {
  let scene: Scene;
  beforeAll(async () => {
    scene = await sceneOf(visibility);
  });

  test.each(viewers)('shows %s just what the table says', async (who) => {
    const sees = table[visibility][who];
    for (const endpoint of endpoints(scene)) {
      const answer = await get(endpoint.url, scene.headers[who]);
      expect([endpoint.url, marksIn(answer.body)]).toEqual([endpoint.url, expectedMarks(endpoint, sees).sort()]);
    }
  });

  test.each(viewers)('tells %s of its existence, or not', async (who) => {
    const sees = table[visibility][who];
    const { headers } = scene;
    const status = async (url: string) => (await get(url, headers[who])).statusCode;
    const readable = sees === 'nothing' ? 404 : 200;
    expect(await status(`/v1/messages/${scene.message}`)).toBe(readable);
    expect(await status(`/v1/messages/${scene.message}/trail`)).toBe(readable);
    expect(await status(`/v1/threads/${scene.thread}`)).toBe(readable);
    const bytes = sees === 'nothing' ? 404 : sees === 'full' || sees === 'all' ? 200 : 403;
    expect(await status(`/v1/messages/${scene.message}/raw`)).toBe(bytes);
    expect(await status(`/v1/messages/${scene.message}/attachments/1`)).toBe(bytes);
    const held = sees === 'all' ? 200 : sees === 'nothing' ? 404 : bytes === 403 ? 403 : 404;
    expect(await status(`/v1/messages/${scene.message}/raw?copy=${scene.copy}`)).toBe(held);
    const found = (await get('/v1/find?messageIdHeader=marked@kunde.example', headers[who])).json<{ found: boolean }>();
    expect(found.found).toBe(sees !== 'nothing');
  });

  test.each(viewers)('is found by %s only by words they may see', async (who) => {
    const sees = table[visibility][who];
    for (const mark of Object.keys(marks) as Mark[]) {
      if (mark === 'attachment') continue;
      const answer = await get(`/v1/messages?query=${marks[mark]}`, scene.headers[who]);
      const may = ofLevel[sees].includes(mark) && mark !== 'bcc' && mark !== 'delivered';
      expect([mark, answer.json<{ items: unknown[] }>().items.length]).toEqual([mark, may ? 1 : 0]);
    }
  });

  test.each(viewers)('tells %s of its copies, unread state and mailbox only where they hold it', async (who) => {
    const sees = table[visibility][who];
    const byMailbox = await get(`/v1/messages?mailboxId=${scene.mailbox}`, scene.headers[who]);
    expect(byMailbox.json<{ items: unknown[] }>().items).toHaveLength(sees === 'all' ? 1 : 0);
    for (const address of [`${marks.bcc}@x.example`, `${marks.delivered}@company.example`]) {
      const byAddress = await get(`/v1/messages?address=${address}`, scene.headers[who]);
      expect(byAddress.json<{ items: unknown[] }>().items).toHaveLength(sees === 'all' ? 1 : 0);
    }
    if (sees === 'nothing') return;
    const detail = (await get(`/v1/messages/${scene.message}`, scene.headers[who])).json<{ copies: unknown[] }>();
    expect(detail.copies).toHaveLength(sees === 'all' ? 1 : 0);
    const [item] = (await get('/v1/messages', scene.headers[who])).json<{ items: { unread: boolean | null }[] }>()
      .items;
    expect(item?.unread).toBe(sees === 'all' ? true : null);
  });
});

test('the level is the highest that any copy grants', async () => {
  const tenantId = await database.newTenant();
  const colleague = await aUser(database.db, tenantId);
  await aRecord(database.db, tenantId, { addresses: ['kunde@kunde.example'] });
  const options = { from: 'kunde@kunde.example', subject: marks.subject, text: marks.text };
  const { id } = await aMessage(
    database.db,
    await aMailbox(database.db, tenantId, { visibility: 'metadata' }),
    options,
  );
  const { headers } = await issueKey(database.db, tenantId, { userId: colleague.id });
  const level = async () =>
    (await get(`/v1/messages/${publicId('message', id)}`, headers)).json<{ level: string }>().level;
  expect(await level()).toBe('metadata');
  await aMessage(database.db, await aMailbox(database.db, tenantId, { visibility: 'subject' }), options);
  expect(await level()).toBe('subject');
});

test('a colleague sees unlinked mail of an open mailbox nowhere', async () => {
  const tenantId = await database.newTenant();
  const colleague = await aUser(database.db, tenantId);
  const { id } = await aMessage(database.db, await aMailbox(database.db, tenantId, { visibility: 'full' }));
  const { headers } = await issueKey(database.db, tenantId, { userId: colleague.id });
  expect((await get(`/v1/messages/${publicId('message', id)}`, headers)).statusCode).toBe(404);
  expect((await get('/v1/messages?unassigned=true', headers)).json()).toMatchObject({ items: [] });
});

test('a link that only Bcc explains is told to the holders of the copy alone', async () => {
  const tenantId = await database.newTenant();
  const owner = await aUser(database.db, tenantId);
  const participant = await aUser(database.db, tenantId);
  await aRecord(database.db, tenantId, { name: 'Geheim', addresses: ['geheim@kunde.example'] });
  const mailbox = await aMailbox(database.db, tenantId, { ownerUserId: owner.id });
  const { id } = await aMessage(database.db, mailbox, { to: [participant.address], bcc: ['geheim@kunde.example'] });
  const linksFor = async (user: { id: string }) => {
    const { headers } = await issueKey(database.db, tenantId, { userId: user.id });
    const detail = await get(`/v1/messages/${publicId('message', id)}`, headers);
    const list = await get('/v1/messages', headers);
    return [detail.json<{ links: unknown[] }>().links.length, list.body.includes('Geheim') ? 1 : 0];
  };
  expect(await linksFor(owner)).toEqual([1, 1]);
  expect(await linksFor(participant)).toEqual([0, 0]);
});
