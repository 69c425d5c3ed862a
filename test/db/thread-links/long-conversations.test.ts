import { newUuid } from '../../../src/db/new-id';
import { queueRematch } from '../../../src/db/records-rematch';
import { rematchChunk, runRematch } from '../../../src/db/rematch-job';
import { lockTenantForWriting } from '../../../src/db/tenant-lock';
import { changeMessageLink } from '../../../src/db/thread-links/message-links';
import { insertTimelines, timelineDifferences } from '../../../src/db/timeline-write';
import { addAddress, removeAddress } from '../../support/correspondence';
import { createTestDatabase, type TestDatabase } from '../../support/database';
import { aMailbox, aMessage, aRecord, type TestMailbox } from '../../support/mail-rows';

const ada = 'ada@customer.example';
const bob = 'bob@elsewhere.example';
const replies = 450;

let database: TestDatabase;
let mailbox: TestMailbox;
let recordId: string;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());
beforeEach(async () => {
  mailbox = await aMailbox(database.db, await database.newTenant());
  recordId = await aRecord(database.db, mailbox.tenantId);
});

const underLock = <T>(work: Parameters<typeof database.db.inTenant<T>>[1]) =>
  database.db.inTenant(mailbox.tenantId, async (sql) => {
    await lockTenantForWriting(sql, mailbox.tenantId);
    return work(sql);
  });

/** A message of Ada's and so many answers of Bob's; `refs` are the numbers of those that number n refers to. Returns the ids. */
async function conversation(refs: string): Promise<string[]> {
  const values = [mailbox.tenantId, mailbox.sourceId, newUuid()];
  return underLock(async (sql) => {
    await sql.execute('INSERT INTO thread (tenant_id, id) VALUES ($1, $2)', [mailbox.tenantId, values[2]]);
    await sql.execute(
      `INSERT INTO message (tenant_id, id, message_key, message_id_hash, message_id_header, thread_id, sort_at, participants, refs)
       SELECT $1, gen_random_uuid(), sha256(($2::uuid || ' ' || n)::bytea),
         sha256(('<' || n || '@long>')::bytea), '<' || n || '@long>', $3, now(), '{"from": [], "sender": [], "replyTo": [], "to": [], "cc": []}',
         ARRAY(SELECT ref_number(sha256(('<' || r || '@long>')::bytea)) FROM unnest(${refs}) AS r WHERE r <> n)
       FROM generate_series(0, ${String(replies)}) AS n`,
      values,
    );
    await sql.execute(
      `INSERT INTO copy (tenant_id, id, source_id, message_id, raw_sha, raw_size, raw_state, visibility, direction, parser_version)
       SELECT $1, gen_random_uuid(), $2, id, message_key, 1, 'none', 0, 'incoming', 1 FROM message WHERE thread_id = $3`,
      values,
    );
    await sql.execute(
      `INSERT INTO copy_address (tenant_id, copy_id, role, address_key)
       SELECT $1, c.id, a.role, a.key FROM message m JOIN copy c ON c.message_id = m.id AND c.source_id = $2
       CROSS JOIN LATERAL (VALUES ('from', CASE WHEN m.message_id_header = '<0@long>' THEN $4 ELSE $5 END), ('to', $5)) AS a(role, key)
       WHERE m.thread_id = $3`,
      [...values, ada, bob],
    );
    await sql.execute(
      'INSERT INTO thread_ref (tenant_id, ref_hash, thread_id) SELECT tenant_id, message_id_hash, thread_id FROM message WHERE thread_id = $1',
      [values[2]],
    );
    const rows = await sql.query<{ id: string }>('SELECT id FROM message ORDER BY message_id_header <> $1, id', [
      '<0@long>',
    ]);
    const ids = rows.map(({ id }) => id);
    await insertTimelines(sql, mailbox.tenantId, ids);
    return ids;
  });
}

/** Gives the record Ada's address, or takes it, and the job for it. */
async function ofAda(change: typeof addAddress): Promise<string> {
  const job = await underLock(async (sql) => {
    await change(sql, mailbox.tenantId, { recordId, addressKey: ada });
    return queueRematch(sql, mailbox.tenantId, [ada]);
  });
  if (job === null) throw new Error('no job');
  return job.operationId;
}

const work = (operationId: string) => runRematch(database.db, { tenantId: mailbox.tenantId, operationId });

async function linked(): Promise<number> {
  const rows = await database.db.inTenant(mailbox.tenantId, (sql) =>
    sql.query(
      `SELECT FROM link l WHERE record_id = $1 AND state = 'active' AND EXISTS (SELECT FROM link_reason r WHERE r.link_id = l.id)`,
      [recordId],
    ),
  );
  return rows.length;
}

const leftOver = () =>
  database.db.inTenant(mailbox.tenantId, (sql) => sql.query('SELECT FROM link UNION ALL SELECT FROM link_reason'));

const wrongRows = (ids: string[]) =>
  database.db.inTenant(mailbox.tenantId, (sql) => timelineDifferences(sql, mailbox.tenantId, ids));

const chain = 'ARRAY[0, greatest(n - 2, 0), greatest(n - 1, 0)]';

test('a long conversation gets its links, and loses them, in short shares', async () => {
  const ids = await conversation(chain);
  const ref = { tenantId: mailbox.tenantId, operationId: await ofAda(addAddress) };
  const counts = [0];
  while ((await rematchChunk(database.db, ref, 500)).kind === 'more') counts.push(await linked());
  expect(counts.at(-1)).toBe(replies + 1);
  expect(Math.max(...counts.slice(1).map((count, n) => count - (counts[n] ?? 0)))).toBeLessThan(350);
  expect(await wrongRows(ids)).toEqual([]);
  await work(await ofAda(removeAddress));
  expect(await leftOver()).toEqual([]);
  expect(await wrongRows(ids)).toEqual([]);
});

test('a long chain of replies that each name but the one before is linked to its end', async () => {
  await conversation('ARRAY[n - 1]');
  await work(await ofAda(addAddress));
  expect(await linked()).toBe(replies + 1);
});

test('a long loop of references holds on to nothing', async () => {
  await conversation(`ARRAY[0, n - 1, CASE n WHEN 1 THEN ${String(replies)} ELSE 1 END]`);
  await work(await ofAda(addAddress));
  expect(await linked()).toBe(replies + 1);
  await work(await ofAda(removeAddress));
  expect(await leftOver()).toEqual([]);
});

test('mail that arrives while a long conversation is being linked is linked with it', async () => {
  await conversation(chain);
  const operationId = await ofAda(addAddress);
  await rematchChunk(database.db, { tenantId: mailbox.tenantId, operationId }, 500);
  const last = `<${String(replies)}@long>`;
  await aMessage(database.db, mailbox, { messageId: '<new@long>', references: [last], from: bob });
  await work(operationId);
  expect(await linked()).toBe(replies + 2);
});

test('one message linked by hand leaves its many replies to a job', async () => {
  const [messageId = ''] = await conversation(chain);
  await underLock((sql) =>
    changeMessageLink(sql, mailbox.tenantId, { does: 'link', actor: 'test', pair: { messageId, recordId } }),
  );
  expect(await linked()).toBeLessThan(350);
  const [job] = await database.db.inTenant(mailbox.tenantId, (sql) =>
    sql.query<{ id: string }>(`SELECT id FROM operation WHERE kind = 'rematch' AND state = 'waiting'`),
  );
  await work(job?.id ?? '');
  expect(await linked()).toBe(replies + 1);
});
