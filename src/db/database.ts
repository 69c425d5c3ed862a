import { setTimeout as sleep } from 'node:timers/promises';

import { PrismaPg } from '@prisma/adapter-pg';
import pg from 'pg';

import { isStalePlan, isWorthRepeating, namedDatabaseError, sqlStateOf } from './database-error';
import { PrismaClient, type Prisma } from './generated/client';
import { ledgerTypes } from './ledger-types';
import { lockCurrentTenant } from './tenant-lock';

export type PrismaTransaction = Prisma.TransactionClient;

/** The statements of one transaction. They run in the order they are asked for, also where nobody waits between them. */
export interface Sql {
  /** The rows of a statement. bigint comes as number, numeric as string, timestamptz as Date, bytea as Buffer, jsonb parsed. */
  query<Row extends object>(text: string, values?: unknown[]): Promise<Row[]>;
  /** How many rows a statement touched. */
  execute(text: string, values?: unknown[]): Promise<number>;
  /** The connection itself, for COPY and cursors. It belongs to the transaction: never release it, never end the transaction. */
  readonly client: pg.PoolClient;
}

/**
 * Each function is one transaction: it commits when `work` resolves and leaves nothing behind when it rejects. After a serialization
 * failure or a deadlock `work` runs again, up to five times, so it must do nothing that the database cannot take back.
 * All of them throw `DatabaseUnavailable` where the database is not there.
 */
export interface Database {
  /** As the application role, for one tenant: rows of others do not exist. */
  inTenant<T>(tenantId: string, work: (sql: Sql) => Promise<T>): Promise<T>;
  /**
   * The same for what is asked again and again (docs/decisions/0013): a connection plans each statement once, for whatever values, along
   * indexes. Statements are sent without waiting for the answers to those before, and run in the order they were sent: many at once cost one
   * round trip. No COPY. For statements whose text is always the same, and which find what they touch by a key.
   */
  preparedInTenant<T>(tenantId: string, work: (sql: Sql) => Promise<T>): Promise<T>;
  /** The same for the one writer that a tenant has at a time (tenant-lock.ts): the transaction begins with the tenant's lock. */
  writeInTenant<T>(tenantId: string, work: (sql: Sql) => Promise<T>): Promise<T>;
  /** The same through Prisma, for plain rows. */
  prismaInTenant<T>(tenantId: string, work: (tx: PrismaTransaction) => Promise<T>): Promise<T>;
  /** Reads across tenants, as the role `letterbook_system`, whose policies allow just the tables that housekeeping needs. Writes nothing. */
  acrossTenants<T>(work: (sql: Sql) => Promise<T>): Promise<T>;
  /**
   * As the same role, writing: its grants allow just what workers note of whom they watch and which connections they have (`src/db/watch`).
   * On connections of its own, so that what others take for a sign of life waits for no tenant's lock.
   */
  asWatcher<T>(work: (sql: Sql) => Promise<T>): Promise<T>;
  /** Sees just the key with this SHA-256: what must be known before the tenant is. Writes nothing. */
  withKeyHash<T>(hash: Buffer, work: (sql: Sql) => Promise<T>): Promise<T>;
  /** Resolves when the database answers. */
  ping(): Promise<void>;
  close(): Promise<void>;
}

const statementTimeoutMs = 120_000;
const idleInTransactionTimeoutMs = 60_000;
const connectTimeoutMs = 10_000;
const repeats = 5;
const watcherPoolSize = 2;

/**
 * Planning takes longer than running for most statements of a round, so plans are kept. One that was made while a table was small would
 * read all of it when it has grown: a plan that is kept may not choose that, nor compile itself.
 */
const keptPlans =
  '-c plan_cache_mode=force_generic_plan -c enable_seqscan=off -c jit=off -c client_min_messages=warning';
/** Opened anew now and then, so that no plan is older. */
const keptPlansSeconds = 3_600;
/** A connection without plans is dear: it stays through quiet minutes. */
const preparedIdleMs = 300_000;

/**
 * Opens a pool of connections as the application role; Prisma and plain SQL share it. Nothing is connected until it is asked for,
 * and connections that a restart of the server broke are replaced at the next call.
 */
export function openDatabase(options: { url: string; poolSize: number; applicationName?: string }): Database {
  const pool = openPool(options);
  const prepared = openPool({ ...options, plans: 'kept' });
  const watcher = openPool({ ...options, poolSize: watcherPoolSize });
  const prisma = new PrismaClient({ adapter: new PrismaPg(pool) });

  return {
    inTenant: (tenantId, work) => repeating(() => transaction(pool, beginFor(tenantId), work)),
    preparedInTenant: (tenantId, work) => repeating(() => transaction(prepared, beginFor(tenantId), work)),
    writeInTenant: (tenantId, work) => repeating(() => transaction(prepared, beginWritingFor(tenantId), work)),
    prismaInTenant: (tenantId, work) => repeating(() => prismaTransaction(prisma, tenantId, work)),
    acrossTenants: (work) => repeating(() => transaction(pool, beginAcrossTenants, work)),
    asWatcher: (work) => repeating(() => transaction(watcher, beginAsWatcher, work)),
    withKeyHash: (hash, work) => repeating(() => transaction(prepared, beginWithKeyHash(hash), work)),
    ping: async () => {
      await repeating(() => pool.query('SELECT 1'));
    },
    close: async () => {
      await prisma.$disconnect();
      await watcher.end();
      await prepared.end();
      await pool.end();
    },
  };
}

function openPool(options: { url: string; poolSize: number; applicationName?: string; plans?: 'kept' }): pg.Pool {
  const kept = {
    pipeline: true,
    options: keptPlans,
    maxLifetimeSeconds: keptPlansSeconds,
    idleTimeoutMillis: preparedIdleMs,
  };
  const pool = new pg.Pool({
    connectionString: options.url,
    max: options.poolSize,
    application_name: options.applicationName ?? 'letterbook',
    types: ledgerTypes,
    keepAlive: true,
    connectionTimeoutMillis: connectTimeoutMs,
    statement_timeout: statementTimeoutMs,
    idle_in_transaction_session_timeout: idleInTransactionTimeoutMs,
    ...(options.plans === 'kept' ? kept : {}),
  });
  // An idle connection that breaks is taken out of the pool by itself; without a listener the event would end the process.
  pool.on('error', ignoreBrokenConnection);
  // Breaking while no statement runs, a connection only emits an event; the next statement then fails and tells the caller. The server may end
  // it with the very bytes that let us in: nobody who waits for the connection has it by then.
  pool.on('connect', (client) => client.on('error', ignoreBrokenConnection));
  return pool;
}

/** The first words of a transaction. */
interface Beginning {
  kind: 'plain' | 'lock';
  text: string;
}

/** One round trip for both, so the id goes into the text: it must be a UUID and nothing else. SET is neither planned nor answered with a row. */
function beginFor(tenantId: string): Beginning {
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(tenantId)) throw new TypeError('a tenant id must be a UUID');
  return { kind: 'plain', text: `BEGIN; SET LOCAL letterbook.tenant = '${tenantId}'` };
}

/** The lock is a statement of its own, so that those behind it see all that the writer before has committed. */
function beginWritingFor(tenantId: string): Beginning {
  return { kind: 'lock', text: `${beginFor(tenantId).text}; ${lockCurrentTenant}` };
}

const beginAcrossTenants: Beginning = { kind: 'plain', text: 'BEGIN READ ONLY; SET LOCAL ROLE letterbook_system' };
const beginAsWatcher: Beginning = { kind: 'plain', text: 'BEGIN; SET LOCAL ROLE letterbook_system' };

function beginWithKeyHash(hash: Buffer): Beginning {
  return {
    kind: 'plain',
    text: `BEGIN READ ONLY; SET LOCAL letterbook.key_hash = '${hash.toString('hex')}'`,
  };
}

async function transaction<T>(pool: pg.Pool, begin: Beginning, work: (sql: Sql) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let broken = false;
  const transactionIs: TransactionState = { open: true, failure: null };
  try {
    if (client.pipeline) sendTogether(client);
    const begun = client.query(begin.text);
    // Who begins with a lock goes on when it has it. Else nobody need wait in a pipeline: where it fails, so does all that was sent behind it.
    if (begin.kind === 'lock' || !client.pipeline) await begun;
    else begun.catch((error: unknown) => (transactionIs.failure = { error }));
    const result = await work(sqlOf(client, transactionIs));
    transactionIs.open = false;
    await begun;
    const { command } = await client.query('COMMIT');
    // COMMIT of a transaction in which a statement failed, and nobody let the error through, answers ROLLBACK.
    if (command !== 'COMMIT') throw new Error('the transaction was rolled back: a statement in it had failed');
    return result;
  } catch (error) {
    // Of statements that were asked for at once, one has failed: whoever still goes on may send no more.
    transactionIs.open = false;
    const rolledBack = await client.query('ROLLBACK').then(
      () => true,
      () => false,
    );
    broken = !rolledBack || isStalePlan(error);
    throw causeOf(error, transactionIs);
  } finally {
    client.release(broken);
  }
}

interface TransactionState {
  open: boolean;
  /** What the first statement that failed said. */
  failure: { error: unknown } | null;
}

// PostgreSQL 18, appendix A: in_failed_sql_transaction, the answer to all that was sent behind a statement that failed.
const inFailedTransaction = '25P02';

/** Of statements that were sent at once, a later one's failure may be heard of before that of the one that is its cause. */
function causeOf(error: unknown, { failure }: TransactionState): unknown {
  return failure !== null && sqlStateOf(error) === inFailedTransaction ? failure.error : error;
}

function sqlOf(client: pg.PoolClient, transactionIs: TransactionState): Sql {
  const now = async <Row extends object>(text: string, values?: unknown[]) => {
    if (!transactionIs.open) throw new Error('a statement was sent after the end of its transaction');
    if (client.pipeline) sendTogether(client);
    try {
      const name = client.pipeline && values !== undefined && values.length > 0 ? nameOf(text) : undefined;
      return await client.query<Row>(name === undefined ? { text, values } : { name, text, values });
    } catch (error) {
      if (sqlStateOf(error) !== inFailedTransaction) transactionIs.failure ??= { error };
      throw error;
    }
  };
  const send: Send = client.pipeline ? now : inTurn(now);
  return {
    client,
    query: async <Row extends object>(text: string, values?: unknown[]) => (await send<Row>(text, values)).rows,
    execute: async (text, values) => (await send(text, values)).rowCount ?? 0,
  };
}

const names = new Map<string, string>();
/** Of texts that are made of parts there may be many; a connection keeps a plan of so many at most. */
const mostNames = 400;

/** The name under which connections keep the plan of a statement; none where there are too many. */
function nameOf(text: string): string | undefined {
  const known = names.get(text);
  if (known !== undefined || names.size >= mostNames) return known;
  const name = `s${String(names.size)}`;
  names.set(text, name);
  return name;
}

type Send = <Row extends object>(text: string, values?: unknown[]) => Promise<pg.QueryResult<Row>>;

const held = new WeakSet<pg.PoolClient>();

/** What is asked for in one turn goes to the socket in one piece: a write for each statement costs more than all else about it. */
function sendTogether(client: pg.PoolClient): void {
  if (held.has(client)) return;
  held.add(client);
  const { stream } = client.connection;
  stream.cork();
  process.nextTick(() => {
    held.delete(client);
    stream.uncork();
  });
}

/** Outside a pipeline a client takes one statement at a time. */
function inTurn(send: Send): Send {
  let before: Promise<unknown> = Promise.resolve();
  return <Row extends object>(text: string, values?: unknown[]) => {
    const mine = before.then(() => send<Row>(text, values));
    before = mine.catch(() => undefined);
    return mine;
  };
}

function prismaTransaction<T>(
  prisma: PrismaClient,
  tenantId: string,
  work: (tx: PrismaTransaction) => Promise<T>,
): Promise<T> {
  return prisma.$transaction(
    async (tx) => {
      // The adapter reads a timestamptz as if it were said in UTC, whatever offset stands behind it.
      await tx.$executeRaw`SELECT set_config('letterbook.tenant', ${tenantId}, true), set_config('TimeZone', 'UTC', true)`;
      return work(tx);
    },
    { maxWait: connectTimeoutMs, timeout: statementTimeoutMs },
  );
}

/** Waits with jitter between the tries, so that two transactions that met do not meet again. */
async function repeating<T>(attempt: () => Promise<T>): Promise<T> {
  for (let tries = 0; ; tries += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (tries >= repeats || !isWorthRepeating(error)) throw namedDatabaseError(error);
    }
    await sleep(Math.random() * 20 * 2 ** tries);
  }
}

function ignoreBrokenConnection(): void {
  // Nothing to do: see where it is attached.
}
