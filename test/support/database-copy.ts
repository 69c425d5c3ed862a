import { randomBytes } from 'node:crypto';

import pg from 'pg';

import { openDatabase, type Database, type Sql } from '../../src/db/database';
import type { TestDatabase } from './database';

/** A database with everything that another one holds at this moment. */
export interface DatabaseCopy {
  db: Database;
  ownerUrl: string;
  drop(): Promise<void>;
}

/** Copies a database; connections to it that are idle are closed, and open again by themselves. */
export async function copyDatabase(original: Pick<TestDatabase, 'appUrl' | 'ownerUrl'>): Promise<DatabaseCopy> {
  const name = `copy_${randomBytes(6).toString('hex')}`;
  const from = new URL(original.ownerUrl).pathname.slice(1);
  const urlOf = (url: string, database: string) => Object.assign(new URL(url), { pathname: `/${database}` }).toString();
  await asOwner(urlOf(original.ownerUrl, 'postgres'), async (server) => {
    await server.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1', [from]);
    await server.query(`CREATE DATABASE ${name} TEMPLATE ${from}`);
  });
  const db = openDatabase({ url: urlOf(original.appUrl, name), poolSize: 4, applicationName: 'letterbook test' });
  return {
    db,
    ownerUrl: urlOf(original.ownerUrl, name),
    drop: async () => {
      await db.close();
      await asOwner(urlOf(original.ownerUrl, 'postgres'), (server) =>
        server.query(`DROP DATABASE ${name} WITH (FORCE)`),
      );
    },
  };
}

/** Runs statements as the owner, who sees behind the policies. */
export async function asOwner<T>(ownerUrl: string, work: (owner: pg.Client) => Promise<T>): Promise<T> {
  const owner = new pg.Client({ connectionString: ownerUrl });
  await owner.connect();
  try {
    return await work(owner);
  } finally {
    await owner.end();
  }
}

/**
 * The same database, whose server process is killed under the statement, or the commit, for which `isNext` says so; what runs then fails
 * as it does when a machine goes away.
 */
export function killedDatabase(copy: DatabaseCopy, isNext: () => boolean): Database {
  const killIfNext = async (sql: Sql) => {
    if (!isNext()) return;
    const [row] = await sql.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    await asOwner(copy.ownerUrl, (owner) => owner.query('SELECT pg_terminate_backend($1, 5000)', [row?.pid]));
  };
  const killed = (sql: Sql): Sql => ({
    client: sql.client,
    query: async (text, values) => {
      await killIfNext(sql);
      return sql.query(text, values);
    },
    execute: async (text, values) => {
      await killIfNext(sql);
      return sql.execute(text, values);
    },
  });
  const cut =
    (transaction: Database['inTenant']): Database['inTenant'] =>
    (tenantId, work) =>
      transaction(tenantId, async (sql) => {
        const result = await work(killed(sql));
        await killIfNext(sql);
        return result;
      });
  const { db } = copy;
  return {
    ...db,
    inTenant: cut((tenantId, work) => db.inTenant(tenantId, work)),
    writeInTenant: cut((tenantId, work) => db.writeInTenant(tenantId, work)),
    preparedInTenant: cut((tenantId, work) => db.preparedInTenant(tenantId, work)),
  };
}
