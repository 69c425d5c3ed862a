import { writeWish, type Wished } from '../../src/db/desired-state';
import { insertMailbox } from '../../src/db/mailbox-write';
import { newUuid } from '../../src/db/new-id';
import { defaultPolicy } from '../../src/domain/policy';
import { createTestDatabase, type TestDatabase } from '../support/database';

let database: TestDatabase;
let tenantId: string;
let mailboxId: string;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());
beforeEach(async () => {
  tenantId = await database.newTenant();
  mailboxId = newUuid();
  await database.db.inTenant(tenantId, (sql) =>
    insertMailbox(sql, tenantId, {
      id: mailboxId,
      address: 'anna@company.example',
      addressKey: 'anna@company.example',
      displayName: null,
      provider: 'other',
      imap: { host: 'imap.company.example', port: 993, security: 'tls', allowInvalidCertificate: false, ca: null },
      smtp: null,
      username: 'anna',
      secret: { bytes: Buffer.from('sealed'), keyId: 'k' },
      policy: defaultPolicy,
      ownerUserId: null,
      memberUserIds: [],
    }),
  );
});

const wish = (kind: Wished['kind'], desired: Wished['desired']) =>
  database.db.inTenant(tenantId, (sql) => writeWish(sql, tenantId, { mailboxId, kind, desired, actor: 'system' }));

const rows = <Row extends object>(text: string) => database.db.inTenant(tenantId, (sql) => sql.query<Row>(text));

test('each change of the wish is a new generation', async () => {
  expect((await wish('pause', 'paused')).generation).toBe(2);
  expect((await wish('resume', 'running')).generation).toBe(3);
  expect(await rows('SELECT desired_state, generation FROM source')).toEqual([
    { desired_state: 'running', generation: 3 },
  ]);
});

test('ten wishes at once are ten operations, of which one at most still waits for its own generation', async () => {
  const kinds = ['pause', 'resume'] as const;
  await Promise.all(
    Array.from({ length: 10 }, (_, n) => wish(kinds[n % 2] ?? 'pause', n % 2 === 0 ? 'paused' : 'running')),
  );
  const [source] = await rows<{ generation: number }>('SELECT generation FROM source');
  const waiting = await rows<{ generation: number }>(`SELECT generation FROM operation WHERE state = 'waiting'`);
  expect(new Set(waiting.map((row) => row.generation))).toEqual(new Set([source?.generation]));
});

test('only wishes are superseded, an import or an audit goes on', async () => {
  await database.db.inTenant(tenantId, (sql) =>
    sql.execute(
      `INSERT INTO operation (tenant_id, id, kind, source_id, state) VALUES ($1, $2, 'audit', $3, 'waiting')`,
      [tenantId, newUuid(), mailboxId],
    ),
  );
  await wish('stop', 'stopped');
  expect(await rows('SELECT kind, state FROM operation ORDER BY kind')).toEqual([
    { kind: 'audit', state: 'waiting' },
    { kind: 'start', state: 'superseded' },
    { kind: 'stop', state: 'waiting' },
  ]);
});

test('a mailbox that is to stop says so at once, and one that is paused does not yet', async () => {
  await wish('pause', 'paused');
  expect(await rows('SELECT state FROM mailbox')).toEqual([{ state: 'connecting' }]);
  await wish('stop', 'stopped');
  expect(await rows('SELECT state FROM mailbox')).toEqual([{ state: 'stopping' }]);
});
