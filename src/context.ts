import { mkdir, readdir, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';

import type { Client } from '@temporalio/client';

import { createByteBudget } from './activities/byte-budget';
import { createConnections, type Connections } from './activities/connections';
import type { ActivityContext } from './activities/context';
import { createUndeliveredTries } from './activities/undelivered';
import type { Config } from './config/config';
import { createPostgresBlobStore } from './db/blobs/postgres-blob-store';
import { openDatabase } from './db/database';
import { createSecretBox } from './db/secret-box';
import type { MailboxForSync } from './db/sync/mailbox-for-sync';
import { overtakenMailboxes } from './db/sync/overtaken';
import { createMailboxEngine } from './engine/mailbox-engine';
import { openMailbox } from './mail/open-mailbox';
import { createParsePool } from './mail/parse/parse-pool';
import { parserVersion } from './mail/parse/parse-message';

const connectionIdleMs = 60_000;
const connectionCheckMs = 2_000;

/** Everything the activities of a worker use, and how to let go of it. */
export interface WorkerContext extends ActivityContext {
  connections: Connections;
  close(): Promise<void>;
}

/** Builds what a worker needs from its configuration. Nothing is connected until it is used. */
export async function createWorkerContext(config: Config, client: Client): Promise<WorkerContext> {
  const { limits } = config;
  const db = openDatabase({
    url: config.databaseUrl,
    poolSize: config.databasePoolSize,
    applicationName: 'letterbook-worker',
  });
  const secretBox = createSecretBox(config.secretKeys);
  const parsePool = createParsePool({
    threads: limits.parseThreads,
    timeoutMs: limits.parseTimeoutMs,
    heapMegabytes: limits.parseHeapMegabytes,
    limits,
  });
  const spoolDirectory = await ownSpool(join(config.home, 'spool'));
  const connect = (mailbox: MailboxForSync) =>
    openMailbox(accessOf(mailbox, secretBox.open(mailbox.secret)), optionsOf(config));
  const connections = createConnections({
    connect,
    overtaken: (kept) => overtakenMailboxes(db, kept),
    idleMs: connectionIdleMs,
    checkMs: connectionCheckMs,
  });
  return {
    db,
    blobs: createPostgresBlobStore(db),
    secretBox,
    parsePool,
    budget: createByteBudget(limits.bytesInFlight),
    limits,
    connect,
    connections,
    spoolDirectory,
    freeDiskBytes: () => freeDiskBytes(config.home),
    engine: createMailboxEngine(client),
    undelivered: createUndeliveredTries(),
    now: Date.now,
    parserVersion,
    close: async () => {
      await connections.closeAll();
      await parsePool.close();
      await db.close();
    },
  };
}

function accessOf(mailbox: MailboxForSync, password: string) {
  const { host, port, security, allowInvalidCertificate, ca } = mailbox.imap;
  const { username } = mailbox;
  return {
    host,
    port,
    security,
    allowInvalidCertificate: allowInvalidCertificate ?? false,
    ca: ca ?? null,
    username,
    password,
  };
}

function optionsOf({ allowedNetworks, limits }: Config) {
  const { connectTimeoutMs, socketTimeoutMs, commandTimeoutMs, minBytesPerSecond } = limits;
  const patience = { socketTimeoutMs, commandTimeoutMs, minBytesPerSecond };
  return { hostRules: { allowedNetworks }, connectTimeoutMs, ...patience };
}

/** A folder of this process; those of processes that are no more are removed with what they left. */
async function ownSpool(spool: string): Promise<string> {
  const own = join(spool, String(process.pid));
  await mkdir(own, { recursive: true, mode: 0o700 });
  for (const name of await readdir(spool)) {
    if (!isAlive(Number(name))) await rm(join(spool, name), { recursive: true, force: true });
  }
  return own;
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

async function freeDiskBytes(directory: string): Promise<number> {
  const disk = await statfs(directory);
  return disk.bavail * disk.bsize;
}
