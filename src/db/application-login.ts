import { setTimeout as sleep } from 'node:timers/promises';

import pg from 'pg';

import { sqlStateOf } from './database-error';
import { MigrationError } from './migration-error';

interface Login {
  name: string;
  password: string;
}

/**
 * Lets the login of `appUrl` act as `letterbook_app`, and step into `letterbook_system` where it asks for it; makes the login, with its
 * password, where it does not exist. Second run: no change.
 * @throws MigrationError where the login could bypass the policies, or must be made and the owner may not
 */
export async function giveApplicationLogin(
  owner: pg.Client,
  urls: { ownerUrl: string; appUrl: string },
): Promise<void> {
  const login = loginOf(urls.appUrl);
  if (login.name === loginOf(urls.ownerUrl).name) {
    throw new MigrationError(
      'DATABASE_URL and DATABASE_OWNER_URL have the same user. The owner of the tables is not held by their policies: give DATABASE_URL a user of its own.',
    );
  }
  await despiteOthers(() => makeLogin(owner, login));
  await refuseIfAbovePolicies(owner, login.name);
  const name = pg.escapeIdentifier(login.name);
  await despiteOthers(() => grant(owner, `GRANT letterbook_app TO ${name}`));
  // Not inherited: reading across tenants takes a SET ROLE each time.
  await despiteOthers(() => grant(owner, `GRANT letterbook_system TO ${name} WITH INHERIT FALSE, SET TRUE`));
}

function loginOf(databaseUrl: string): Login {
  const url = new URL(databaseUrl);
  if (url.username === '') throw new MigrationError('DATABASE_URL and DATABASE_OWNER_URL must name a user.');
  return { name: decodeURIComponent(url.username), password: decodeURIComponent(url.password) };
}

async function makeLogin(owner: pg.Client, login: Login): Promise<void> {
  const { rowCount } = await owner.query('SELECT FROM pg_roles WHERE rolname = $1', [login.name]);
  if (rowCount === 1) return;
  const password = login.password === '' ? 'NULL' : pg.escapeLiteral(login.password);
  try {
    await owner.query(`CREATE ROLE ${pg.escapeIdentifier(login.name)} LOGIN NOSUPERUSER PASSWORD ${password}`);
  } catch (cause) {
    if (sqlStateOf(cause) !== '42501') throw cause;
    throw new MigrationError(
      "The user of DATABASE_URL does not exist and the owner may not make it. Make it by hand: CREATE ROLE name LOGIN PASSWORD '...'.",
      { cause },
    );
  }
}

async function refuseIfAbovePolicies(owner: pg.Client, name: string): Promise<void> {
  const { rows } = await owner.query<{ above: boolean }>(
    'SELECT rolsuper OR rolbypassrls AS above FROM pg_roles WHERE rolname = $1',
    [name],
  );
  if (rows[0]?.above !== true) return;
  throw new MigrationError(
    'The user of DATABASE_URL is a superuser or bypasses row-level security, so no policy would hold it. Use a plain user.',
  );
}

async function grant(owner: pg.Client, statement: string): Promise<void> {
  try {
    await owner.query(statement);
  } catch (cause) {
    if (sqlStateOf(cause) !== '42501') throw cause;
    throw new MigrationError(
      'The owner may not grant letterbook_app and letterbook_system. Have them granted by the user that made them, or by a superuser.',
      { cause },
    );
  }
}

// Roles belong to the whole server, the migration lock to one database: another database's migration may do the same at this moment.
const metSomebody = new Set(['XX000', '23505', '42710']);

async function despiteOthers(work: () => Promise<void>): Promise<void> {
  for (let tries = 0; ; tries += 1) {
    try {
      await work();
      return;
    } catch (error) {
      if (tries >= 10 || !metSomebody.has(sqlStateOf(error) ?? '')) throw error;
    }
    await sleep(Math.random() * 50);
  }
}
