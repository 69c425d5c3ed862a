import { execFile } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

import pg from 'pg';

import { giveApplicationLogin } from './application-login';
import { MigrationError } from './migration-error';

const oldestServer = 160_000; // GRANT ... WITH INHERIT FALSE, SET TRUE came with PostgreSQL 16
const migrationsDirectory = join(__dirname, '..', '..', 'prisma', 'migrations');

// Any number that nobody else takes; the lock belongs to the database.
const migrationLock = 5_318_008_212;
const lockTimeoutMs = 600_000;

/**
 * Brings the database up to date: applies the migrations that it lacks, and lets the login of `appUrl` (made if it is not there) act as
 * the application's roles. Safe from several processes at once: they follow one another, and the later ones find nothing to do.
 *
 * `ownerUrl` and `appUrl` name the same database; `applied` has the file names of what was applied, in order.
 * @throws MigrationError with a remedy: not reached, too old, application login that could bypass the policies, a migration that failed
 */
export async function migrate(options: { ownerUrl: string; appUrl: string }): Promise<{ applied: string[] }> {
  const owner = await connectAsOwner(options.ownerUrl);
  try {
    await owner.query(`SET lock_timeout = ${String(lockTimeoutMs)}`);
    await takeLock(owner);
    const before = await appliedVersions(owner);
    await runDbmate(options.ownerUrl);
    const after = await appliedVersions(owner);
    await giveApplicationLogin(owner, options);
    return { applied: await fileNames(after.filter((version) => !before.includes(version))) };
  } finally {
    // The end of the session gives the lock back.
    await owner.end();
  }
}

async function connectAsOwner(ownerUrl: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: ownerUrl, connectionTimeoutMillis: 10_000, keepAlive: true });
  // What breaks later is told by the statement that runs into it.
  client.on('error', () => undefined);
  try {
    await client.connect();
  } catch (cause) {
    throw new MigrationError(
      'The database cannot be reached as its owner. Check that PostgreSQL runs, that the database exists, and that DATABASE_OWNER_URL is right.',
      { cause },
    );
  }
  const { rows } = await client.query<{ server_version_num: string }>('SHOW server_version_num');
  const version = Number(rows[0]?.server_version_num);
  if (version >= oldestServer) return client;
  await client.end();
  throw new MigrationError(
    `PostgreSQL ${String(Math.floor(version / 10_000))} is too old: Letterbook needs 16 or newer. Upgrade the server, or point DATABASE_URL and DATABASE_OWNER_URL at a newer one.`,
  );
}

async function takeLock(owner: pg.Client): Promise<void> {
  try {
    await owner.query('SELECT pg_advisory_lock($1)', [migrationLock]);
  } catch (cause) {
    throw new MigrationError('Another process has been migrating this database for too long. End it, then try again.', {
      cause,
    });
  }
}

async function appliedVersions(owner: pg.Client): Promise<string[]> {
  const { rows: found } = await owner.query<{ there: boolean }>(
    `SELECT to_regclass('schema_migrations') IS NOT NULL AS there`,
  );
  if (found[0]?.there !== true) return [];
  const { rows } = await owner.query<{ version: string }>('SELECT version FROM schema_migrations ORDER BY version');
  return rows.map((row) => row.version);
}

/** dbmate takes no lock of its own, and writes a dump with pg_dump unless told not to; not every machine has that. */
async function runDbmate(ownerUrl: string): Promise<void> {
  const args = ['--no-dump-schema', '--migrations-dir', migrationsDirectory, 'migrate'];
  try {
    await promisify(execFile)(dbmateBinary(), args, { env: { DATABASE_URL: withTlsMode(ownerUrl) } });
  } catch (cause) {
    throw new MigrationError(`A migration failed: ${lastLine(cause)}`, { cause });
  }
}

/** The binary is in a package of its own for each platform, beside dbmate's. */
function dbmateBinary(): string {
  const platform = `@dbmate/${process.platform}-${process.arch}/package.json`;
  const extension = process.platform === 'win32' ? '.exe' : '';
  try {
    return join(dirname(createRequire(require.resolve('dbmate')).resolve(platform)), 'bin', `dbmate${extension}`);
  } catch (cause) {
    throw new MigrationError('dbmate has no binary for this platform here. Install the packages again with `npm ci`.', {
      cause,
    });
  }
}

/** dbmate insists on TLS where nothing is said, the application's driver does without: both must mean the same by one URL. */
function withTlsMode(ownerUrl: string): string {
  const url = new URL(ownerUrl);
  const mode = url.searchParams.get('sslmode') ?? 'disable';
  url.searchParams.set('sslmode', mode === 'no-verify' ? 'require' : mode);
  return url.toString();
}

function lastLine(cause: unknown): string {
  const text = typeof cause === 'object' && cause !== null && 'stderr' in cause ? String(cause.stderr) : '';
  return text.trim().split('\n').at(-1) ?? '';
}

async function fileNames(versions: string[]): Promise<string[]> {
  const files = (await readdir(migrationsDirectory)).sort();
  return files.filter((file) => versions.includes(/^\d+/.exec(file)?.[0] ?? ''));
}
