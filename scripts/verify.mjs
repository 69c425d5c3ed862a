// @ts-check
// Checks what must hold of a Letterbook, against its database and its mail servers, and changes nothing:
//   npm run verify -- [--json FILE] [--all] [mbx_...]
// It finds the one that `npm start` runs; DATABASE_URL and the other settings of README.md name any other.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { homeDir, projectDir } from './lib/places.mjs';
import { runningAppUrl } from './lib/running-postgres.mjs';

const notChecked = 2;
const { env } = process;
const home = homeDir(env);
const program = join(projectDir, 'dist', 'verify.js');
const databaseUrl = env.DATABASE_URL || runningAppUrl(home);

if (!existsSync(program)) giveUp('It is not built: run `npm run build`, or `npm start`.');
if (databaseUrl === null) {
  giveUp(
    `Nothing runs on ${home}: start it with \`npm start\`, or say where it is with LETTERBOOK_HOME or DATABASE_URL.`,
  );
}

const child = spawn(process.execPath, ['--enable-source-maps', program, ...process.argv.slice(2)], {
  stdio: 'inherit',
  env: {
    ...env,
    DATABASE_URL: databaseUrl,
    LETTERBOOK_HOME: home,
    // As `npm start` has it: what its workers may connect to.
    LETTERBOOK_ALLOWED_NETWORKS: env.LETTERBOOK_ALLOWED_NETWORKS ?? '127.0.0.0/8,::1/128',
  },
});
for (const name of /** @type {const} */ (['SIGINT', 'SIGTERM'])) process.on(name, () => child.kill(name));
child.once('exit', (code) => (process.exitCode = code ?? notChecked));

/**
 * @param {string} why
 * @returns {never}
 */
function giveUp(why) {
  process.stderr.write(`Nothing was checked: ${why}\n`);
  process.exit(notChecked);
}
