// @ts-check
// Adds to package-lock.json what npm leaves out when it cannot fetch the packages of other platforms: `node scripts/complete-lock.mjs`,
// after `npm install` of anything that has such packages. Without them `npm ci` calls the lock file out of date, on every platform.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { completed } from './lib/lock-file.mjs';
import { projectDir } from './lib/places.mjs';

const file = join(projectDir, 'package-lock.json');
const { lock, added } = completed(JSON.parse(readFileSync(file, 'utf8')));
if (added.length > 0) writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
process.stdout.write(`${added.length} packages of other platforms added.\n`);
