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
 * as it does when a machine goes away. It is asked with the statement, and with null before a commit.
 */
export function killedDatabase(copy: DatabaseCopy, isNext: (statement: string | null) => boolean): Database {
  const killIfNext = async (sql: Sql, statement: string | null) => {
    if (!isNext(statement)) return;
    const [row] = await sql.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    const { rows } = await asOwner(copy.ownerUrl, (owner) =>
      owner.query<{ killed: boolean }>('SELECT pg_terminate_backend($1, 5000) AS killed', [row?.pid]),
    );
    if (rows[0]?.killed !== true) throw new Error('the process that was to be killed goes on');
  };
  const killed = (sql: Sql): Sql => ({
    client: sql.client,
    query: async (text, values) => {
      await killIfNext(sql, text);
      return sql.query(text, values);
    },
    execute: async (text, values) => {
      await killIfNext(sql, text);
      return sql.execute(text, values);
    },
  });
  const cut =
    (transaction: Database['inTenant']): Database['inTenant'] =>
    (tenantId, work) =>
      transaction(tenantId, async (sql) => {
        const result = await work(killed(sql));
        await killIfNext(sql, null);
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

/** Numbers from 0 to 1 that are the same for the same seed. */
export function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Work that is killed often. */
interface KilledWork<Done> {
  work: (db: Database) => Promise<Done>;
  /** How many statements and commits it takes about, when nobody kills it. */
  statements: number;
  /** Words of the statement without which it does not end. */
  lastWords: string;
}

/**
 * Has work done that is killed ten times: spread over its statements, each time at the latest under the one that ends it, and the last time
 * under that one or its commit. How often a kill struck, and what the end came to.
 */
export async function killedTenTimes<Done>(
  copy: DatabaseCopy,
  random: () => number,
  { work, statements, lastWords }: KilledWork<Done>,
): Promise<{ hits: number; end: Done }> {
  const points = Array.from({ length: 9 }, () => Math.floor(random() * statements)).sort((a, b) => a - b);
  const isLast = (statement: string | null) => statement?.includes(lastWords) ?? false;
  const strikes = points.map((point, n) => {
    let left = point - (points[n - 1] ?? 0);
    return (statement: string | null) => left-- === 0 || isLast(statement);
  });
  let isEnding = false;
  const atCommit = random() < 0.5;
  strikes.push((statement) => {
    isEnding ||= isLast(statement);
    return isEnding && (statement === null || !atCommit);
  });
  let hits = 0;
  for (const strike of strikes) if (await isStruck(copy, { work, strike })) hits += 1;
  return { hits, end: await work(copy.db) };
}

/** Whether a kill struck: the work was under way, and did not go on as if nothing had been. */
async function isStruck(
  copy: DatabaseCopy,
  { work, strike }: { work: (db: Database) => Promise<unknown>; strike: (statement: string | null) => boolean },
): Promise<boolean> {
  const kill = { struck: false };
  const once = (statement: string | null) => {
    if (kill.struck || !strike(statement)) return false;
    kill.struck = true;
    return true;
  };
  const ended = await work(killedDatabase(copy, once)).then(
    () => true,
    () => false,
  );
  return kill.struck && !ended;
}

/** How many statements and commits work takes that nobody kills. */
export async function statementsOf(copy: DatabaseCopy, work: (db: Database) => Promise<unknown>): Promise<number> {
  let statements = 0;
  const count = () => {
    statements += 1;
    return false;
  };
  await work(killedDatabase(copy, count));
  return statements;
}
