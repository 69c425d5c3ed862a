import { randomInt, randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

import { connectLeased } from './activities/leased-connections';
import { passwordOf } from './activities/mailbox-password';
import type { VerifyContext, VerifyOptions } from './activities/verify/context';
import { verifyInstallation, type Verified } from './activities/verify/verify-installation';
import { ConfigError, readConfig, type Config } from './config/config';
import { accessOf, hostPaceOf, hostPausesOf, leasesOfWorker, optionsOf } from './context';
import { createPostgresBlobStore } from './db/blobs/postgres-blob-store';
import { openDatabase } from './db/database';
import { createSecretBox } from './db/secret-box';
import { readOnly } from './db/verify/read-only';
import { publicId, uuidOf } from './domain/ids';
import { isProven, sentenceOf, type VerifiedMailbox, type VerifiedTenant, type Violation } from './domain/verify';
import { openMailbox } from './mail/open-mailbox';

const usage = `npm run verify -- [options] [mbx_...]    checks what must hold of these mailboxes, or of all, and changes nothing
  --json FILE     writes what was found for machines as well
  --sample N      compares the bytes of so many copies of each mailbox (200)
  --all           compares the bytes of all of them
  --seed N        which copies: the same for the same number
  --wait SECONDS  how long what differs from a server may still be on its way (the mailbox's refresh time, and a minute)

It ends with 0 where all holds, 1 where something does not, and 2 where something could not be checked.
`;

/** Ends of the program. */
const exits = { holds: 0, broken: 1, unchecked: 2 } as const;

/** Said to a person; nothing was checked. */
class NotChecked extends Error {}

interface Wish {
  mailboxIds: string[];
  json: string | null;
  options: VerifyOptions;
}

const secondLookMs = 2_000;
const defaultSample = 200;

/** What the words on the command line ask for. */
function wishOf(words: string[], signal: AbortSignal): Wish {
  const { values, positionals } = argumentsOf(words);
  const seed = values.seed === undefined ? randomInt(1_000_000) : numberOf(values.seed);
  const copies = values.sample === undefined ? defaultSample : numberOf(values.sample);
  return {
    mailboxIds: positionals.map(mailboxOf),
    json: values.json ?? null,
    options: {
      bytes: values.all === true ? { of: 'all' } : { of: 'sample', copies, seed },
      secondLookMs,
      waitMs: values.wait === undefined ? null : numberOf(values.wait) * 1_000,
      signal,
    },
  };
}

function argumentsOf(words: string[]) {
  try {
    return parseArgs({
      args: words,
      allowPositionals: true,
      options: {
        json: { type: 'string' },
        sample: { type: 'string' },
        all: { type: 'boolean' },
        seed: { type: 'string' },
        wait: { type: 'string' },
      },
    });
  } catch (error) {
    throw new NotChecked(`${error instanceof Error ? error.message : ''}\n\n${usage}`);
  }
}

function numberOf(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0) throw new NotChecked(`"${text}" is no number.\n\n${usage}`);
  return value;
}

function mailboxOf(id: string): string {
  const uuid = uuidOf('mailbox', id);
  if (uuid === null) throw new NotChecked(`"${id}" is no id of a mailbox.\n\n${usage}`);
  return uuid;
}

/** Runs `work` with all that verifying needs. Connections count with those of the workers; everything else is only read. */
async function withContext<T>(config: Config, work: (context: VerifyContext) => Promise<T>): Promise<T> {
  const { limits } = config;
  const db = openDatabase({ url: config.databaseUrl, poolSize: 2, applicationName: 'letterbook verify' });
  const leases = leasesOfWorker(randomUUID(), db);
  const pace = hostPaceOf(config, db);
  const pauses = hostPausesOf(config, db);
  const secretBox = createSecretBox(config.secretKeys);
  const reading = readOnly(db);
  try {
    return await work({
      db: reading,
      blobs: createPostgresBlobStore(reading),
      limits,
      connect: (mailbox, signal) => {
        const use = { purpose: 'audit' as const, signal };
        return connectLeased(leases, { account: mailbox, use, limits }, async () => {
          await pauses.refuse(mailbox);
          await pace.turn(mailbox.imap.host, signal);
          return openMailbox(accessOf(mailbox, passwordOf(secretBox, mailbox)), optionsOf(config, use));
        });
      },
    });
  } finally {
    await leases.close();
    await db.close();
  }
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function sayMailbox(mailbox: VerifiedMailbox): void {
  const { violations, unchecked, folders, compared, isAtRest } = mailbox;
  const verdict = violations.length > 0 ? 'WRONG' : isProven(mailbox) ? 'OK' : 'NOT CHECKED';
  const asked = isAtRest ? 'not running: its server was not asked' : `${String(folders.length)} folders`;
  const bytes = `bytes of ${String(compared.kept)} copies and ${String(compared.server)} messages on the server`;
  say(`${publicId('mailbox', mailbox.mailboxId)}  ${verdict}  ${asked}, ${bytes}`);
  if (unchecked !== null) say(`  ${unchecked.says}`);
  sayViolations(violations);
}

function sayTenant({ tenantId, violations }: VerifiedTenant): void {
  say(`${publicId('tenant', tenantId)}  ${violations.length > 0 ? 'WRONG' : 'OK'}`);
  sayViolations(violations);
}

function sayViolations(violations: Violation[]): void {
  for (const violation of violations) {
    const { folderId, uid, messageId } = presentViolation(violation);
    const where = [folderId, uid === undefined ? undefined : `UID ${String(uid)}`, messageId];
    say(`  ${[violation.invariant, ...where].filter((word) => word !== undefined).join(' ')}`);
    say(`    ${sentenceOf(violation)}`);
  }
}

function presentViolation(violation: Violation) {
  const { invariant, folderId, uid, messageId } = violation;
  return {
    invariant,
    ...(folderId === undefined ? {} : { folderId: publicId('folder', folderId) }),
    ...(uid === undefined ? {} : { uid }),
    ...(messageId === undefined ? {} : { messageId: publicId('message', messageId) }),
    says: sentenceOf(violation),
  };
}

function presentMailbox(mailbox: VerifiedMailbox) {
  const { folders, violations, compared, unchecked, isAtRest } = mailbox;
  return {
    mailboxId: publicId('mailbox', mailbox.mailboxId),
    tenantId: mailbox.tenantId === null ? null : publicId('tenant', mailbox.tenantId),
    ok: isProven(mailbox),
    unchecked,
    isAtRest,
    compared,
    folders: folders.map(({ folderId, ...folder }) => ({ folderId: publicId('folder', folderId), ...folder })),
    violations: violations.map(presentViolation),
  };
}

/** What is written for machines. */
function report(checkedAt: Date, { options }: Wish, verified: Verified) {
  return {
    ok: verified.verdict === 'holds',
    checkedAt: checkedAt.toISOString(),
    bytes: options.bytes,
    mailboxes: verified.mailboxes.map(presentMailbox),
    tenants: verified.tenants.map(({ tenantId, violations }) => ({
      tenantId: publicId('tenant', tenantId),
      violations: violations.map(presentViolation),
    })),
  };
}

async function run(wish: Wish): Promise<number> {
  const checkedAt = new Date();
  const wanted = { mailboxIds: wish.mailboxIds.length === 0 ? null : wish.mailboxIds, options: wish.options };
  const verified = await withContext(readConfig(process.env), (context) =>
    verifyInstallation(context, wanted, { mailbox: sayMailbox, tenant: sayTenant }),
  );
  write(wish, report(checkedAt, wish, verified));
  say(conclusions[verified.verdict]);
  const { bytes } = wish.options;
  if (bytes.of === 'sample') say(`Bytes were compared of a sample: --seed ${String(bytes.seed)} takes the same again.`);
  return exits[verified.verdict];
}

function write({ json }: Wish, what: object): void {
  if (json !== null) writeFileSync(json, `${JSON.stringify(what, null, 2)}\n`, { mode: 0o600 });
}

const conclusions: Record<Verified['verdict'], string> = {
  holds: '\nOK: all that was checked holds.',
  broken: '\nWRONG: see above.',
  unchecked: '\nNOT CHECKED: nothing wrong was found, and not everything could be checked; see above.',
};

/** `node dist/verify.js`; scripts/verify.mjs finds the installation first. */
async function main(): Promise<void> {
  const ending = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.once(name, () => {
      ending.abort();
    });
  }
  let wish: Wish | null = null;
  try {
    wish = wishOf(process.argv.slice(2), ending.signal);
    process.exitCode = await run(wish);
  } catch (error) {
    const says = ending.signal.aborted ? 'It was interrupted.' : wordsOf(error);
    if (says === null) throw error;
    process.stderr.write(`Nothing was checked: ${says}\n`);
    const checkedAt = new Date().toISOString();
    if (wish !== null) write(wish, { ok: false, checkedAt, unchecked: { says }, mailboxes: [], tenants: [] });
    process.exitCode = exits.unchecked;
  }
}

/** What a person is told of a failure; null where it is a mistake of ours. */
function wordsOf(error: unknown): string | null {
  const isForPeople =
    error instanceof NotChecked ||
    error instanceof ConfigError ||
    (error instanceof Error && error.name === 'DatabaseUnavailable');
  return isForPeople ? error.message : null;
}

if (require.main === module) void main();
