// @ts-check
// Tenants, for the operator: `npm run tenants`, after `npm run build`. DATABASE_OWNER_URL owns the tables, and sees every tenant.
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

const usage = `npm run tenants                                    lists tenants
npm run tenants -- count tnt_...                   counts what deleting one would delete
npm run tenants -- delete tnt_... --confirm NAME   deletes one with all that it has
npm run tenants -- reports [del_...]               how far deletions of tenants are, and reports of those that are gone
`;

/** Said to a person; nothing was done. */
class Refused extends Error {}

const { DATABASE_OWNER_URL: url } = process.env;
if (!url) {
  process.stderr.write('DATABASE_OWNER_URL must be set.\n');
  process.exit(1);
}

/** @type {import('../src/db/database')} */
const { openDatabase } = require('../dist/db/database.js');
/** @type {import('../src/db/deletion/cascade/tenants')} */
const tenants = require('../dist/db/deletion/cascade/tenants.js');
/** @type {import('../src/domain/ids')} */
const { publicId, uuidOf } = require('../dist/domain/ids.js');

const db = openDatabase({ url, poolSize: 2, applicationName: 'letterbook tenants' });
try {
  await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof Refused) && !(error instanceof Error && error.name === 'DatabaseUnavailable')) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
} finally {
  await db.close();
}

/** @param {string[]} words */
async function main([command = 'list', id = '', option = '', name = '']) {
  if (command === 'list') return say(await tenants.listTenants(db));
  if (command === 'reports') return say(await tenants.tenantDeletions(db, id === '' ? null : idOf('deletion', id)));
  if (command === 'count') return say(await tenants.countTenant(db, idOf('tenant', id)));
  if (command === 'delete') return deleteTenant(idOf('tenant', id), option === '--confirm' ? name : null);
  throw new Refused(usage);
}

/** @param {string} tenantId @param {string | null} confirmed */
async function deleteTenant(tenantId, confirmed) {
  const asked = await tenants.deleteTenant(db, { tenantId, confirmed });
  if (asked.kind === 'no-such-tenant') throw new Refused('There is no such tenant.');
  if (asked.kind === 'not-confirmed')
    throw new Refused('Nothing was deleted. Repeat it with --confirm and the name of this very tenant.');
  process.stdout.write(
    'Its keys have ended. The worker begins within a minute; `npm run tenants -- reports` says how far it is.\n',
  );
  say({ deletionId: publicId('deletion', asked.deletionId) });
}

/** @param {'tenant' | 'deletion'} kind @param {string} id */
function idOf(kind, id) {
  const uuid = uuidOf(kind, id);
  if (uuid === null) throw new Refused(usage);
  return uuid;
}

/** @param {unknown} answer */
function say(answer) {
  process.stdout.write(`${JSON.stringify(answer, null, 2)}\n`);
}
