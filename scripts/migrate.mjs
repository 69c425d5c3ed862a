// Brings the database up to date: `node scripts/migrate.mjs`, after `npm run build`.
// DATABASE_OWNER_URL owns the tables, DATABASE_URL is what the application uses.
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const { DATABASE_OWNER_URL: ownerUrl, DATABASE_URL: appUrl } = process.env;

if (!ownerUrl || !appUrl) {
  process.stderr.write('DATABASE_OWNER_URL and DATABASE_URL must both be set.\n');
  process.exit(1);
}

const { migrate } = require('../dist/db/migrate.js');
try {
  const { applied } = await migrate({ ownerUrl, appUrl });
  process.stdout.write(applied.length === 0 ? 'The database is up to date.\n' : `Applied ${applied.join(', ')}.\n`);
} catch (error) {
  if (error?.name !== 'MigrationError') throw error;
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
}
