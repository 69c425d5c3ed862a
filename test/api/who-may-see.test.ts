import { createHash } from 'node:crypto';

import { fillSearch } from '../../src/db/search-fill';
import { newUuid } from '../../src/db/new-id';
import { nextPrincipal } from '../../src/db/principals';
import { publicId } from '../../src/domain/ids';
import type { PartDescriptor } from '../../src/domain/message';
import type { Visibility } from '../../src/domain/policy';
import { issueKey, testApi, type TestApi } from '../support/api';
import { createTestDatabase, type TestDatabase } from '../support/database';
import { aMailbox, aMessage, aRecord, aUser } from '../support/mail-rows';

/*
 * Who may see what (product promise C12), generated from the table below: each viewer, at each endpoint, for each visibility of the mailbox, what was
 * said of the thread, one copy or two, and a record that all may see or only some.
 */

const viewers = [
  'owner',
  'member',
  'owner of the second copy',
  'participant',
  'colleague',
  'in the scope',
  'in a team of the scope',
  'manager',
  'admin',
  'tenant key',
  'other tenant',
] as const;
type Who = (typeof viewers)[number];
type Sees = 'all' | 'full' | 'subject' | 'metadata' | 'nothing';
type RecordKind = 'open' | 'restricted';

/** What a viewer sees for a reason of their own, and whether they may see the record. `others`: what those see who may see the record. */
const table: Record<Who, { own: 'all' | 'full' | 'nothing'; seesRecord: Record<RecordKind, boolean> }> = {
  owner: { own: 'all', seesRecord: { open: true, restricted: false } },
  member: { own: 'all', seesRecord: { open: true, restricted: false } },
  'owner of the second copy': { own: 'nothing', seesRecord: { open: true, restricted: false } },
  participant: { own: 'full', seesRecord: { open: true, restricted: false } },
  colleague: { own: 'nothing', seesRecord: { open: true, restricted: false } },
  'in the scope': { own: 'nothing', seesRecord: { open: true, restricted: true } },
  'in a team of the scope': { own: 'nothing', seesRecord: { open: true, restricted: true } },
  manager: { own: 'nothing', seesRecord: { open: true, restricted: false } },
  admin: { own: 'nothing', seesRecord: { open: true, restricted: false } },
  'tenant key': { own: 'all', seesRecord: { open: true, restricted: true } },
  'other tenant': { own: 'nothing', seesRecord: { open: false, restricted: false } },
};

interface Case {
  visibility: Visibility;
  said: Visibility | null;
  copies: 1 | 2;
  record: RecordKind;
}

const levels: Visibility[] = ['private', 'metadata', 'subject', 'full'];
const cases: Case[] = [
  ...levels.flatMap((visibility) =>
    ([null, 'private', 'metadata', 'full'] as const).map(
      (said) => ({ visibility, said, copies: 1, record: 'open' }) as const,
    ),
  ),
  ...levels.flatMap((visibility) =>
    ([null, 'full'] as const).map((said) => ({ visibility, said, copies: 1, record: 'restricted' }) as const),
  ),
  // The second copy lies in a mailbox that is open as far as the subject.
  ...levels.flatMap((visibility) =>
    ([null, 'private'] as const).map((said) => ({ visibility, said, copies: 2, record: 'open' }) as const),
  ),
];

/** The rule itself, of the table and the case. */
function seenBy(who: Who, { visibility, said, copies, record }: Case): Sees {
  const { own, seesRecord } = table[who];
  if (own !== 'nothing') return own;
  if (who === 'owner of the second copy' && copies === 2) return 'all';
  if (!seesRecord[record]) return 'nothing';
  const widest = copies === 2 && levels.indexOf(visibility) < levels.indexOf('subject') ? 'subject' : visibility;
  const level = said ?? widest;
  return level === 'private' ? 'nothing' : level;
}

const layers = ['name', 'subject', 'text', 'file', 'attachment'] as const;
type Layer = (typeof layers)[number];
const ofLevel: Record<Sees, readonly Layer[]> = {
  nothing: [],
  metadata: ['name'],
  subject: ['name', 'subject'],
  full: layers,
  all: layers,
};

interface Scene {
  at: Case;
  words: Record<Layer, string>;
  message: string;
  thread: string;
  record: string;
  company: string;
  intermediary: string;
  activity: string;
  header: string;
  address: string;
}

let database: TestDatabase;
let server: TestApi;
let headers: Map<Who, Record<string, string>>;
let scenes: Scene[];

beforeAll(async () => {
  database = await createTestDatabase();
  server = testApi(database.db);
  const tenantId = await database.newTenant();
  const people = await peopleOf(tenantId);
  const { headers: tenant } = await issueKey(database.db, tenantId);
  const other = await issueKey(database.db, await database.newTenant());
  const { users } = people;
  const as = (user: Person): Record<string, string> => ({ ...tenant, 'letterbook-user': publicId('user', user.id) });
  headers = new Map<Who, Record<string, string>>([
    ['tenant key', tenant],
    ['other tenant', other.headers],
    ...(Object.keys(users) as (keyof typeof users)[]).map((who) => [who, as(users[who])] as const),
  ]);
  scenes = [];
  for (const [n, at] of cases.entries()) scenes.push(await sceneOf({ tenantId, people }, { at, n }));
  await fillSearch(database.db, tenantId, 1_000);
});
afterAll(async () => {
  await server.api.close();
  await database.drop();
});

type Person = Awaited<ReturnType<typeof aUser>>;
interface People {
  users: Record<Exclude<Who, 'tenant key' | 'other tenant'>, Person>;
  teamPrincipal: number;
}

async function peopleOf(tenantId: string): Promise<People> {
  const { db } = database;
  const users = {
    owner: await aUser(db, tenantId),
    member: await aUser(db, tenantId),
    'owner of the second copy': await aUser(db, tenantId),
    participant: await aUser(db, tenantId),
    colleague: await aUser(db, tenantId),
    'in the scope': await aUser(db, tenantId),
    'in a team of the scope': await aUser(db, tenantId),
    manager: await aUser(db, tenantId, { role: 'manager' }),
    admin: await aUser(db, tenantId, { role: 'admin' }),
  };
  const teamPrincipal = await db.inTenant(tenantId, async (sql) => {
    const [teamId, principal] = [newUuid(), await nextPrincipal(sql, tenantId)];
    await sql.execute(`INSERT INTO team (tenant_id, id, principal, name) VALUES ($1, $2, $3, 'North')`, [
      tenantId,
      teamId,
      principal,
    ]);
    await sql.execute('INSERT INTO team_member (tenant_id, team_id, user_id) VALUES ($1, $2, $3)', [
      tenantId,
      teamId,
      users['in a team of the scope'].id,
    ]);
    return principal;
  });
  return { users, teamPrincipal };
}

async function sceneOf(
  { tenantId, people: { users, teamPrincipal } }: { tenantId: string; people: People },
  { at, n }: { at: Case; n: number },
): Promise<Scene> {
  const { db } = database;
  const word = (layer: string) => `${layer}wort${String(n)}x`;
  const words = Object.fromEntries(layers.map((layer) => [layer, word(layer)])) as Scene['words'];
  const address = `kunde${String(n)}@kunde.example`;
  const company = await aRecord(db, tenantId, { type: 'company' });
  const intermediary = await aRecord(db, tenantId, { type: 'intermediary' });
  const record = await aRecord(db, tenantId, {
    addresses: [address],
    companyId: company,
    intermediaryId: intermediary,
  });
  if (at.record === 'restricted') {
    await db.inTenant(tenantId, async (sql) => {
      const restricted = [record, company, intermediary];
      await sql.execute('UPDATE record SET restricted = true WHERE id = ANY ($1)', [restricted]);
      await sql.execute(
        `INSERT INTO record_scope (tenant_id, record_id, principal)
         SELECT $1, r, p FROM unnest($2::uuid[]) AS r CROSS JOIN unnest($3::integer[]) AS p`,
        [tenantId, restricted, [users['in the scope'].principal, teamPrincipal]],
      );
    });
  }
  const raw = Buffer.from([`Subject: ${words.subject}`, '', words.text, words.attachment, ''].join('\r\n'));
  const part: PartDescriptor = {
    n: 1,
    section: '2',
    contentType: 'text/plain',
    charset: null,
    encoding: 'identity',
    disposition: 'attachment',
    filename: `${words.file}.txt`,
    contentId: null,
    offset: raw.indexOf(words.attachment),
    length: words.attachment.length,
    role: 'attachment',
    kept: true,
  };
  const activity = { type: 'email', status: 'done', requireUser: false, requireSubject: false };
  const made = await aMailbox(db, tenantId, {
    visibility: at.visibility,
    ownerUserId: users.owner.id,
    memberUserIds: [users.member.id],
  });
  const mailbox = { ...made, policy: { ...made.policy, activity } };
  const message = {
    from: `${words.name} <${address}>`,
    cc: [users.participant.address],
    subject: words.subject,
    text: words.text,
    messageId: `<${String(n)}@kunde.example>`,
    parts: [part],
  };
  const [blob] = await server.context.blobs.putBatch(mailbox, [
    { sha256: createHash('sha256').update(raw).digest(), bytes: raw },
  ]);
  const { id, threadId } = await aMessage(db, mailbox, { ...message, bytes: { blobId: blob?.blobId ?? '', raw } });
  if (at.copies === 2) {
    const ownerUserId = users['owner of the second copy'].id;
    await aMessage(db, await aMailbox(db, tenantId, { visibility: 'subject', ownerUserId }), message);
  }
  const scene = {
    at,
    words,
    message: publicId('message', id),
    thread: publicId('thread', threadId),
    record: publicId('record', record),
    company: publicId('record', company),
    intermediary: publicId('record', intermediary),
    activity: publicId('activity', await activityOf(tenantId, id)),
    header: `${String(n)}@kunde.example`,
    address,
  };
  if (at.said !== null) {
    const answer = await server.api.inject({
      method: 'PATCH',
      url: `/v1/threads/${scene.thread}`,
      headers: headers.get('owner') ?? {},
      payload: { visibility: at.said },
    });
    if (answer.statusCode !== 200) throw new Error(answer.body);
  }
  return scene;
}

async function activityOf(tenantId: string, messageId: string): Promise<string> {
  const [row] = await database.db.inTenant(tenantId, (sql) =>
    sql.query<{ id: string }>('SELECT id FROM activity WHERE message_id = $1', [messageId]),
  );
  if (row === undefined) throw new Error('no activity');
  return row.id;
}

/** What an endpoint shows at most; `atRecord`: only to those who may see the record; `names`: the record, to those who may see both. */
interface Endpoint {
  url: string;
  shows: Layer[];
  atRecord?: 'only';
  bytes?: 'only';
  names?: 'record';
}

function endpointsOf(scene: Scene): Endpoint[] {
  const inLists: Layer[] = ['name', 'subject', 'text'];
  return [
    { url: `/v1/messages/${scene.message}`, shows: [...inLists, 'file'] },
    { url: `/v1/messages/${scene.message}/raw`, shows: ['subject', 'text', 'attachment'], bytes: 'only' },
    { url: `/v1/messages/${scene.message}/attachments/1`, shows: ['attachment'], bytes: 'only' },
    { url: `/v1/threads/${scene.thread}`, shows: inLists },
    { url: `/v1/records/${scene.record}/timeline`, shows: inLists, atRecord: 'only' },
    { url: `/v1/records/${scene.record}/timeline?fold=threads&type=mail`, shows: inLists, atRecord: 'only' },
    { url: `/v1/records/${scene.company}/timeline`, shows: inLists, atRecord: 'only' },
    { url: `/v1/records/${scene.intermediary}/timeline`, shows: inLists, atRecord: 'only' },
    { url: `/v1/messages?recordId=${scene.record}`, shows: inLists, atRecord: 'only' },
    { url: `/v1/messages?address=${scene.address}`, shows: inLists },
    { url: `/v1/messages?unassigned=true&address=${scene.address}`, shows: [] },
    { url: `/v1/find?messageIdHeader=${scene.header}`, shows: ['subject'] },
    { url: `/v1/messages/${scene.message}/links`, shows: [], names: 'record' },
    { url: `/v1/messages/${scene.message}/trail`, shows: [], names: 'record' },
    { url: `/v1/messages/${scene.message}/suggestions`, shows: [] },
    { url: `/v1/threads/${scene.thread}/links`, shows: [], names: 'record' },
    { url: `/v1/activity-notes?recordId=${scene.record}`, shows: [] },
    { url: `/v1/activities/${scene.activity}`, shows: ['name', 'subject'], names: 'record' },
    { url: `/v1/activities?recordId=${scene.record}`, shows: ['name', 'subject'], atRecord: 'only', names: 'record' },
    { url: `/v1/records/${scene.record}/activities`, shows: ['name', 'subject'], atRecord: 'only', names: 'record' },
    { url: `/v1/records/${scene.record}/files`, shows: ['file'], atRecord: 'only' },
  ];
}

const get = (url: string, who: Who) => server.api.inject({ method: 'GET', url, headers: headers.get(who) ?? {} });

const nameOf = ({ visibility, said, copies, record }: Case) =>
  `${visibility}, thread ${said ?? 'unsaid'}, ${String(copies)} ${copies === 1 ? 'copy' : 'copies'}, record ${record}`;

test('the table has at least 300 combinations', () => {
  expect(cases.length * viewers.length).toBeGreaterThanOrEqual(300);
});

describe.each(cases.map((at, n) => [nameOf(at), n] as const))('%s', (_name, n) => {
  test.each(viewers)('%s sees just what the table says', async (who) => {
    const scene = scenes[n];
    if (scene === undefined) throw new Error('no scene');
    const sees = seenBy(who, scene.at);
    const seesRecord = table[who].seesRecord[scene.at.record];
    const [expected, found]: [unknown[], unknown[]] = [[], []];
    const asked = endpointsOf(scene).map(async (endpoint) => ({
      ...endpoint,
      body: (await get(endpoint.url, who)).body,
    }));
    for (const { url, shows, atRecord, bytes, names, body } of await Promise.all(asked)) {
      const readable =
        (atRecord === undefined || seesRecord) && (bytes === undefined || sees === 'full' || sees === 'all');
      expected.push([url, readable ? shows.filter((layer) => ofLevel[sees].includes(layer)) : []]);
      found.push([url, layers.filter((layer) => body.includes(scene.words[layer]))]);
      if (names !== undefined && seesRecord && sees !== 'nothing') expected.push([url, 'names the record']);
      // Records that they may not see are named nowhere.
      const hidden = [scene.company, scene.intermediary].some((id) => !seesRecord && body.includes(id));
      const named = (names !== undefined || !seesRecord) && body.includes(scene.record);
      if (named || hidden) found.push([url, 'names the record']);
    }
    expect(found).toEqual(expected);
  });

  test('each finds it by the words that they may see, and is told that it is there, or not', async () => {
    const scene = scenes[n];
    if (scene === undefined) throw new Error('no scene');
    for (const who of viewers) {
      const sees = seenBy(who, scene.at);
      const found = await get(`/v1/messages?query=${scene.words.text}`, who);
      expect([who, found.json<{ items: unknown[] }>().items.length]).toEqual([
        who,
        ofLevel[sees].includes('text') ? 1 : 0,
      ]);
      expect([who, (await get(`/v1/messages/${scene.message}`, who)).statusCode]).toEqual([
        who,
        sees === 'nothing' ? 404 : 200,
      ]);
      const timeline = (await get(`/v1/records/${scene.record}/timeline`, who)).statusCode;
      expect([who, timeline]).toEqual([who, table[who].seesRecord[scene.at.record] ? 200 : 404]);
    }
  });
});
