import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

import ipaddr from 'ipaddr.js';
import { z } from 'zod';

import { insideClone } from './inside-clone';
import { defaultLimits, type Limits } from './limits';

/** Everything the processes are told from outside, built once at the start. Tests build it by hand. */
export interface Config {
  /** The application's role: owns nothing, passes every row-level policy. */
  databaseUrl: string;
  databasePoolSize: number;
  temporalAddress: string;
  temporalNamespace: string;
  httpHost: string;
  httpPort: number;
  /** The data directory: spool files, keys, embedded servers. */
  home: string;
  /** The file of what was erased, which a restored database is brought up to date by. */
  erasuresFile: string;
  /** The data directory lies inside a git clone: `git clean` there would delete it. */
  homeInsideClone: boolean;
  /** Keys for secrets at rest: the first encrypts, all decrypt. 32 bytes each. */
  secretKeys: { id: string; key: Buffer }[];
  /** Networks (CIDR) that mailbox hosts may be in although they are private, e.g. 127.0.0.0/8. */
  allowedNetworks: string[];
  /** Where the Temporal UI is, for links; null where unknown. */
  /** Whether servers are asked for UIDONLY that have it. */
  imapUidOnly: boolean;
  temporalUiUrl: string | null;
  logLevel: 'debug' | 'info' | 'warn' | 'error' | 'silent';
  limits: Limits;
}

/** A setting that cannot be used; the message names it and the remedy. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

const port = z.coerce.number().int().min(0).max(65_535);

const environment = z.object({
  DATABASE_URL: z.string().min(1),
  DATABASE_POOL_SIZE: z.coerce.number().int().min(2).default(10),
  TEMPORAL_ADDRESS: z.string().default('127.0.0.1:7233'),
  TEMPORAL_NAMESPACE: z.string().default('letterbook'),
  LETTERBOOK_HOST: z.string().default('127.0.0.1'),
  LETTERBOOK_PORT: port.default(8080),
  LETTERBOOK_HOME: z.string().default('.letterbook'),
  LETTERBOOK_ERASURES_FILE: z.string().optional(),
  LETTERBOOK_SECRET_KEYS: z.string().optional(),
  LETTERBOOK_ALLOWED_NETWORKS: z.string().default(''),
  LETTERBOOK_IMAP_UIDONLY: z.enum(['on', 'off']).default('on'),
  LETTERBOOK_TEMPORAL_UI_URL: z.string().optional(),
  LETTERBOOK_LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
});

/**
 * Reads the environment. `env` is `process.env`.
 * @throws ConfigError naming every variable that is missing or wrong, with the remedy
 */
export function readConfig(env: NodeJS.ProcessEnv): Config {
  const read = environment.safeParse(env);
  if (!read.success) {
    const problems = read.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
    throw new ConfigError(
      `Settings cannot be used: ${problems.join('; ')}. The table in README.md says what each must be.`,
    );
  }
  const home = resolve(read.data.LETTERBOOK_HOME);
  return {
    databaseUrl: read.data.DATABASE_URL,
    databasePoolSize: read.data.DATABASE_POOL_SIZE,
    temporalAddress: read.data.TEMPORAL_ADDRESS,
    temporalNamespace: read.data.TEMPORAL_NAMESPACE,
    httpHost: read.data.LETTERBOOK_HOST,
    httpPort: read.data.LETTERBOOK_PORT,
    home,
    erasuresFile: resolve(read.data.LETTERBOOK_ERASURES_FILE ?? join(home, 'erasures.ndjson')),
    homeInsideClone: insideClone(home),
    secretKeys: secretKeysOf(read.data.LETTERBOOK_SECRET_KEYS, join(home, 'secret-keys')),
    allowedNetworks: networksOf(read.data.LETTERBOOK_ALLOWED_NETWORKS),
    imapUidOnly: read.data.LETTERBOOK_IMAP_UIDONLY === 'on',
    temporalUiUrl: read.data.LETTERBOOK_TEMPORAL_UI_URL ?? null,
    logLevel: read.data.LETTERBOOK_LOG_LEVEL,
    limits: limitsOf(env),
  };
}

/** Networks by commas. A wrong one is told at the start, not by the first mailbox that is tried. */
function networksOf(text: string): string[] {
  const networks = text
    .split(',')
    .map((network) => network.trim())
    .filter((network) => network !== '');
  const wrong = networks.find((network) => !ipaddr.isValidCIDR(network));
  if (wrong === undefined) return networks;
  throw new ConfigError(
    `LETTERBOOK_ALLOWED_NETWORKS: "${wrong}" is no network; write 10.0.0.0/8, or 10.1.2.3/32 for one address.`,
  );
}

/** Keys are given as `id:base64,id:base64`, in the variable or in a file of the data directory that set-up makes with mode 0600. */
function secretKeysOf(value: string | undefined, file: string): Config['secretKeys'] {
  const text = value ?? readKeyFile(file);
  return text
    .trim()
    .split(',')
    .map((entry) => {
      const colon = entry.indexOf(':');
      const key = Buffer.from(entry.slice(colon + 1), 'base64');
      if (colon < 1 || key.length !== 32) {
        throw new ConfigError(
          'LETTERBOOK_SECRET_KEYS must be `id:base64` with 32 bytes each; make one with `openssl rand -base64 32`.',
        );
      }
      return { id: entry.slice(0, colon), key };
    });
}

function readKeyFile(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new ConfigError(`No key for secrets: set LETTERBOOK_SECRET_KEYS, or let \`npm start\` make ${file}.`, {
      cause,
    });
  }
}

function limitsOf(env: NodeJS.ProcessEnv): Limits {
  const limits: Limits = { ...defaultLimits };
  for (const name of Object.keys(defaultLimits) as (keyof Limits)[]) {
    const variable = limitVariable(name);
    const text = env[variable];
    if (text === undefined || text === '') continue;
    const value = Number(text);
    if (!Number.isSafeInteger(value) || value < 1)
      throw new ConfigError(`${variable} must be a whole number above 0, but is "${text}".`);
    limits[name] = value;
  }
  return limits;
}

/** The environment variable of a limit: `maxParts` is LETTERBOOK_MAX_PARTS. */
export function limitVariable(name: keyof Limits): string {
  return `LETTERBOOK_${name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
}
