import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { z } from 'zod';

const packageFile = z.object({ version: z.string().min(1) });

/** The version of this code as its package says it, which lies two folders up from the sources as from the built files. */
export function readCodeVersion(): string {
  return packageFile.parse(JSON.parse(readFileSync(join(__dirname, '..', '..', 'package.json'), 'utf8'))).version;
}
