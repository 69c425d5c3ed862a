import { connect, createServer, type AddressInfo, type Server } from 'node:net';

import { openDatabase, type Database } from '../../src/db/database';
import { DatabaseUnavailable } from '../../src/db/database-error';
import { createTestDatabase, type TestDatabase } from '../support/database';

/*
 * A server that ends the moment it has let somebody in: both messages come at once, and nobody has had a turn to listen between them. A real
 * one does so when it is killed, but not on command.
 */

let testDatabase: TestDatabase;
let proxy: Server;
let url: string;
/** Connections that are ended as soon as they are there. */
let endedNext = 0;

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  const server = new URL(testDatabase.appUrl);
  proxy = createServer((client) => {
    const upstream = connect(Number(server.port), server.hostname);
    client.on('error', () => upstream.destroy()).on('close', () => upstream.destroy());
    upstream.on('error', () => client.destroy()).on('close', () => client.destroy());
    client.pipe(upstream);
    upstream.on('data', (chunk) => {
      if (endedNext > 0 && chunk.subarray(-readyForQuery.length).equals(readyForQuery)) {
        endedNext -= 1;
        client.end(Buffer.concat([chunk, terminated]));
      } else client.write(chunk);
    });
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  const proxied = new URL(testDatabase.appUrl);
  proxied.hostname = '127.0.0.1';
  proxied.port = String((proxy.address() as AddressInfo).port);
  url = proxied.toString();
});

afterAll(async () => {
  await new Promise((resolve) => proxy.close(resolve));
  await testDatabase.drop();
});

// PostgreSQL 18, 54.7: message types, and their lengths without the type.
const readyForQuery = Buffer.from('Z\0\0\0\x05I', 'latin1');
const terminated = message(
  'E',
  'SFATAL\0VFATAL\0C57P01\0Mterminating connection due to unexpected postmaster exit\0\0',
);

function message(type: string, body: string): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(4 + body.length);
  return Buffer.concat([Buffer.from(type), length, Buffer.from(body, 'latin1')]);
}

test.each<[string, (db: Database, tenantId: string) => Promise<unknown>]>([
  ['a transaction', (db, tenantId) => db.inTenant(tenantId, (sql) => sql.query('SELECT name FROM tenant'))],
  ['a pipeline', (db, tenantId) => db.preparedInTenant(tenantId, (sql) => sql.query('SELECT name FROM tenant'))],
  ['Prisma', (db, tenantId) => db.prismaInTenant(tenantId, (tx) => tx.tenant.findMany({ select: { name: true } }))],
  ['a watcher', (db) => db.asWatcher((sql) => sql.query('SELECT 1'))],
])(
  '%s on a connection that ends as soon as it is there is DatabaseUnavailable, and the next one works',
  async (_, work) => {
    const tenantId = await testDatabase.newTenant();
    const db = openDatabase({ url, poolSize: 2 });
    endedNext = 1;
    await expect(work(db, tenantId)).rejects.toBeInstanceOf(DatabaseUnavailable);
    expect(endedNext).toBe(0);
    expect(await work(db, tenantId)).toHaveLength(1);
    await db.close();
  },
);
