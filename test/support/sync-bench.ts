import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { createByteBudget } from '../../src/activities/byte-budget';
import { crmReachOf } from '../../src/activities/crm-reach';
import { connectorHabits, openDirectory, type SealedConnector } from '../../src/activities/open-directory';
import { createConnections, type Connections } from '../../src/activities/connections';
import type { ActivityContext, ActivityRun } from '../../src/activities/context';
import { importBatch } from '../../src/activities/import-batch';
import { passwordOf } from '../../src/activities/mailbox-password';
import { runRound, type RoundResult } from '../../src/activities/run-round';
import { defaultLimits, type Limits } from '../../src/config/limits';
import { createPostgresBlobStore } from '../../src/db/blobs/postgres-blob-store';
import { newUuid } from '../../src/db/new-id';
import { createSecretBox } from '../../src/db/secret-box';
import { mailboxForSync } from '../../src/db/sync/mailbox-for-sync';
import { standingsOf } from '../../src/db/sync/overtaken';
import { defaultPolicy, type Policy } from '../../src/domain/policy';
import { normaliseAddress } from '../../src/domain/address';
import { openMailbox } from '../../src/mail/open-mailbox';
import { createParsePool } from '../../src/mail/parse/parse-pool';
import { parserVersion } from '../../src/mail/parse/parse-message';
import { createUndeliveredTries } from '../../src/activities/undelivered';
import { createTestDatabase, type TestDatabase } from './database';
import { listServer, type ServerListing } from './imap-oracle';
import { openMailClient, type MailClient } from './mail-client';

/** A connected mailbox of a test, and the person it belongs to. */
export interface TestMailbox {
  tenantId: string;
  mailboxId: string;
  user: string;
  person: MailClient;
  /** One round, as the workflow would run it, or a run of that id. */
  round(runId?: string): Promise<RoundResult>;
  /** Rounds and import until nothing is left. */
  syncAll(): Promise<void>;
  ledger(): Promise<LedgerRow[]>;
  server(): Promise<ServerListing[]>;
}

export interface LedgerRow {
  folder: string;
  uidValidity: string;
  uid: number;
  outcome: number;
  reason: string | null;
  presence: number;
  sha256: string | null;
  copyId: string | null;
  messageId: string | null;
  flags: number;
}

/** The activities over a real database and a real IMAP server, without Temporal. */
export interface SyncBench {
  database: TestDatabase;
  context: ActivityContext & { connections: Connections };
  connect(options?: {
    tenantId?: string;
    user?: string;
    policy?: Partial<Policy>;
    port?: number;
    ownerUserId?: string;
    /** The server is scripted: there is no account to log in to beside it. */
    withoutPerson?: true;
  }): Promise<TestMailbox>;
  close(): Promise<void>;
}

const run: ActivityRun = { signal: new AbortController().signal, heartbeat: () => undefined };

/** Builds the bench; `limits` replace the defaults. `port` is the IMAP server's. */
export async function createSyncBench(port: number, limits: Partial<Limits> = {}): Promise<SyncBench> {
  const database = await createTestDatabase();
  const all: Limits = { ...defaultLimits, ...limits };
  const spoolDirectory = await mkdtemp(join(tmpdir(), 'letterbook-spool-'));
  const secretBox = createSecretBox([{ id: 'test', key: Buffer.alloc(32, 7) }]);
  const parsePool = createParsePool({
    threads: 1,
    timeoutMs: all.parseTimeoutMs,
    heapMegabytes: all.parseHeapMegabytes,
    limits: all,
  });
  const connect: ActivityContext['connect'] = (mailbox, signal) =>
    openMailbox(
      {
        ...mailbox.imap,
        allowInvalidCertificate: true,
        ca: null,
        username: mailbox.username,
        password: passwordOf(secretBox, mailbox),
      },
      {
        hostRules: { allowedNetworks: ['127.0.0.0/8'] },
        connectTimeoutMs: all.connectTimeoutMs,
        socketTimeoutMs: all.socketTimeoutMs,
        commandTimeoutMs: all.commandTimeoutMs,
        minBytesPerSecond: all.minBytesPerSecond,
        ...(signal === undefined ? {} : { signal }),
      },
    );
  const connections = createConnections({
    connect: (use) => connect(use.mailbox, use.signal),
    standings: (connected) => standingsOf(database.db, connected),
    idleMs: 60_000,
    checkMs: 500,
  });
  const context = {
    db: database.db,
    blobs: createPostgresBlobStore(database.db),
    secretBox,
    parsePool,
    budget: createByteBudget(all.bytesInFlight),
    limits: all,
    connect,
    connections,
    openDirectory: (connector: SealedConnector) =>
      openDirectory({ secretBox, reach: crmReachOf({ limits: all, allowedNetworks: ['127.0.0.0/8'] }) }, connector),
    connectorHabits,
    spoolDirectory,
    freeDiskBytes: () => Promise.resolve(Number.MAX_SAFE_INTEGER),
    engine: {
      start: refuse,
      stop: refuse,
      startRematch: refuse,
      startReplay: refuse,
      startMerge: refuse,
      startLinks: refuse,
      startReprocess: refuse,
      wakeConnector: refuse,
      startAudit: refuse,
      startDeletion: refuse,
      startErasure: refuse,
      startCascade: refuse,
      runningMailboxes: () => Promise.resolve(new Map<string, string>()),
      runningImports: () => Promise.resolve(new Set<string>()),
      queuesWithoutWorkers: () => Promise.resolve([]),
      ensureShards: () => Promise.resolve(0),
      poke: refuse,
      load: refuse,
      showShard: refuse,
      showAudit: () => Promise.resolve(),
      openWork: () => Promise.resolve([]),
      runOf: () => Promise.resolve(null),
      tell: refuse,
      cancel: refuse,
      terminate: refuse,
    },
    erasures: { compare: () => Promise.resolve([]) },
    undelivered: createUndeliveredTries(),
    now: Date.now,
    parserVersion,
    codeVersion: '9.9.9-test',
  };
  const people: MailClient[] = [];
  return {
    database,
    context,
    connect: async (options = {}) => {
      const mailbox = await connectMailbox(context, database, { port, ...options });
      people.push(mailbox.person);
      return mailbox;
    },
    close: async () => {
      // The server may have ended before.
      await Promise.allSettled(people.map((person) => person.close()));
      await connections.closeAll();
      await parsePool.close();
      await database.drop();
      await rm(spoolDirectory, { recursive: true, force: true });
    },
  };
}

function refuse(): Promise<void> {
  return Promise.reject(new Error('there is no Temporal on this bench'));
}

interface Wanted {
  port: number;
  tenantId?: string;
  user?: string;
  policy?: Partial<Policy>;
  ownerUserId?: string;
  withoutPerson?: true;
}

async function connectMailbox(
  context: ActivityContext & { connections: Connections },
  database: TestDatabase,
  wanted: Wanted,
): Promise<TestMailbox> {
  const tenantId = wanted.tenantId ?? (await database.newTenant());
  const mailboxId = newUuid();
  const user = wanted.user ?? `u${mailboxId.replaceAll('-', '')}@corp.example`;
  const sealed = context.secretBox.seal('pass');
  const policy: Policy = { ...defaultPolicy, start: { from: 'everything' }, ...wanted.policy };
  await database.db.inTenant(tenantId, async (sql) => {
    await sql.execute(
      `INSERT INTO source (tenant_id, id, kind, address, address_key, owner_user_id, policy, desired_state)
       VALUES ($1, $2, 'mailbox', $3, $4, $5, $6, 'running')`,
      [tenantId, mailboxId, user, normaliseAddress(user) ?? user, wanted.ownerUserId ?? null, JSON.stringify(policy)],
    );
    await sql.execute(
      `INSERT INTO mailbox (tenant_id, source_id, imap, auth_type, username, secret, secret_key_id, state)
       VALUES ($1, $2, $3, 'password', $4, $5, $6, 'connecting')`,
      [
        tenantId,
        mailboxId,
        JSON.stringify({ host: '127.0.0.1', port: wanted.port, security: 'none' }),
        user,
        sealed.bytes,
        sealed.keyId,
      ],
    );
  });
  const round = (runId?: string) =>
    oneRound(context, { tenantId, mailboxId }, runId === undefined ? run : { ...run, runId });
  return {
    tenantId,
    mailboxId,
    user,
    person: wanted.withoutPerson === true ? nobody : await openMailClient(wanted.port, user),
    round,
    syncAll: async () => {
      await round();
      await importAll(context, { tenantId, mailboxId });
    },
    ledger: () => ledgerOf(database, tenantId, mailboxId),
    server: () => listServer({ port: wanted.port, user }),
  };
}

const refuseToAct = () => Promise.reject(new Error('there is nobody behind a scripted server'));
const nobody: MailClient = {
  append: refuseToAct,
  createFolder: refuseToAct,
  renameFolder: refuseToAct,
  deleteFolder: refuseToAct,
  move: refuseToAct,
  copy: refuseToAct,
  flag: refuseToAct,
  unflag: refuseToAct,
  expunge: refuseToAct,
  flagsOf: refuseToAct,
  close: () => Promise.resolve(),
};

async function oneRound(
  context: ActivityContext & { connections: Connections },
  ref: { tenantId: string; mailboxId: string },
  as: ActivityRun,
): Promise<RoundResult> {
  const mailbox = await mailboxForSync(context.db, ref);
  if (mailbox === null) throw new Error('the mailbox is gone');
  return runRound(context, as, { ...ref, fence: mailbox.fence });
}

async function importAll(
  context: ActivityContext & { connections: Connections },
  ref: { tenantId: string; mailboxId: string },
): Promise<void> {
  for (;;) {
    const result = await importBatch(context, run, ref);
    if (result.kind !== 'done') throw new Error(`the import ended with ${result.kind}`);
    if (result.foldersLeft === 0) return;
  }
}

async function ledgerOf(database: TestDatabase, tenantId: string, mailboxId: string): Promise<LedgerRow[]> {
  return database.db.inTenant(tenantId, (sql) =>
    sql.query<LedgerRow>(
      `SELECT f.path AS folder, g.uidvalidity::text AS "uidValidity", p.uid, p.outcome, p.reason, p.presence, p.flags,
              encode(p.raw_sha, 'hex') AS sha256, p.copy_id AS "copyId", c.message_id AS "messageId"
       FROM placement p JOIN folder_generation g ON g.id = p.gen_id
       JOIN folder f ON f.tenant_id = g.tenant_id AND f.id = g.folder_id
       LEFT JOIN copy c ON c.tenant_id = p.tenant_id AND c.id = p.copy_id
       WHERE p.tenant_id = $1 AND p.source_id = $2 ORDER BY f.path, g.id, p.uid`,
      [tenantId, mailboxId],
    ),
  );
}
