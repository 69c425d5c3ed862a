import { randomUUID } from 'node:crypto';
import { mkdir, readdir, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';

import type { Client } from '@temporalio/client';

import { createByteBudget } from './activities/byte-budget';
import { createConnectionLeases, type ConnectionLeases } from './activities/connection-leases';
import { createConnections, type Connections } from './activities/connections';
import type { ActivityContext, ShardEngine } from './activities/context';
import { crmReachOf } from './activities/crm-reach';
import { createHostPace, type HostPace } from './activities/host-pace';
import { createHostPauses, unlessPaused, type HostPauses } from './activities/host-pauses';
import { connectLeased, watchLeased, type LeasedUse } from './activities/leased-connections';
import { createGate } from './domain/gate';
import { passwordOf } from './activities/mailbox-password';
import { connectorHabits, openDirectory } from './activities/open-directory';
import type { ShardContext } from './activities/shard/hold-shard';
import { createIdleHolder } from './activities/shard/idle-holder';
import { createWarmUp } from './activities/shard/warm-up';
import type { Watching } from './activities/shard/watching';
import { createUndeliveredTries } from './activities/undelivered';
import { readCodeVersion } from './config/code-version';
import type { Config } from './config/config';
import type { Limits } from './config/limits';
import { createPostgresBlobStore } from './db/blobs/postgres-blob-store';
import { openDatabase, type Database } from './db/database';
import { createErasureMirror } from './db/erasures/mirror';
import { createSecretBox } from './db/secret-box';
import type { MailboxForSync } from './db/sync/mailbox-for-sync';
import { standingsOf } from './db/sync/overtaken';
import { beatAsHolder, exchangeLeases, forgetHolders, leasesOf } from './db/watch/account-connections';
import { reserveConnections } from './db/watch/host-pace';
import { pausedServers, pauseServer, type PausedServer } from './db/watch/host-pauses';
import type { MailboxToWatch } from './db/watch/mailbox-to-watch';
import type { MailFailure } from './domain/failure';
import { presetOfHost } from './domain/provider-presets';
import { createMailboxEngine } from './engine/mailbox-engine';
import { askTemporal } from './engine/shard-engine';
import type { MailboxAccess } from './mail/mailbox';
import { openMailbox } from './mail/open-mailbox';
import { openWatch } from './mail/watch/open-watch';
import { createParsePool } from './mail/parse/parse-pool';
import { parserVersion } from './mail/parse/parse-message';

/** A stopped mailbox has none 5 s later: this, and the two seconds that its server has for an answer to LOGOUT. */
const connectionCheckMs = 1_500;

/** Everything the activities of a worker use, and how to let go of it. */
export interface WorkerContext extends ActivityContext {
  connections: Connections;
  shards: ShardContext;
  close(): Promise<void>;
}

/** Builds what a worker needs from its configuration. Nothing is connected until it is used. Pokes go over a client of their own. */
export async function createWorkerContext(
  config: Config,
  { client, pokes }: { client: Client; pokes: Client },
): Promise<WorkerContext> {
  const { limits } = config;
  const db = openDatabase({
    url: config.databaseUrl,
    poolSize: config.databasePoolSize,
    applicationName: 'letterbook-worker',
  });
  const secretBox = createSecretBox(config.secretKeys);
  const parsePool = warmParsePool(limits);
  const spoolDirectory = await ownSpool(join(config.home, 'spool'));
  const accessTo = (mailbox: MailboxToWatch) => accessOf(mailbox, passwordOf(secretBox, mailbox));
  const pace = hostPaceOf(config, db);
  const pauses = hostPausesOf(config, db);
  const worker = randomUUID();
  const leases = leasesOfWorker(worker, db);
  const connect = connectOf(config, { leases, pace, pauses, accessTo });
  const engine = createMailboxEngine(client, pokes);
  const connections = createConnections({
    connect: ({ mailbox, ...use }) => connect(mailbox, use),
    standings: (connected) => standingsOf(db, connected),
    idleMs: limits.connectionIdleMs,
    checkMs: connectionCheckMs,
  });
  const ask = () => askTemporal(pokes);
  const shards = shardsOf(config, { worker, db, pace, pauses, engine, askTemporal: ask, leases, accessTo });
  return {
    db,
    blobs: createPostgresBlobStore(db),
    secretBox,
    parsePool,
    budget: createByteBudget(limits.bytesInFlight),
    limits,
    connect: (mailbox, signal) => connect(mailbox, { purpose: 'second-look', signal }),
    connections: unlessPaused(connections, pauses),
    openDirectory: (connector) => openDirectory({ secretBox, reach: crmReachOf(config) }, connector),
    connectorHabits,
    spoolDirectory,
    freeDiskBytes: () => freeDiskBytes(config.home),
    engine,
    shards: { ...shards, show: (shard, counts) => engine.showShard(shard, counts) },
    erasures: createErasureMirror(db, config.erasuresFile),
    undelivered: createUndeliveredTries(),
    now: Date.now,
    parserVersion,
    codeVersion: readCodeVersion(),
    close: async () => {
      await shards.holder.close();
      await connections.closeAll();
      await leases.close();
      await parsePool.close();
      await db.close();
    },
  };
}

function warmParsePool(limits: Limits) {
  const { parseThreads: threads, parseTimeoutMs: timeoutMs, parseHeapMegabytes: heapMegabytes } = limits;
  const pool = createParsePool({ threads, timeoutMs, heapMegabytes, limits });
  pool.warm();
  return pool;
}

/** How to reach the account of a mailbox. */
interface Connecting {
  leases: ConnectionLeases;
  pace: HostPace;
  pauses: HostPauses;
  accessTo: (mailbox: MailboxToWatch) => MailboxAccess;
}

/** Connects when there is a slot of the account for it, the server wants to hear of us, and it is our turn. */
function connectOf(config: Config, { leases, pace, pauses, accessTo }: Connecting) {
  return (mailbox: MailboxForSync, use: LeasedUse) =>
    connectLeased(leases, { account: mailbox, use, limits: config.limits }, async () => {
      await pauses.refuse(mailbox);
      await pace.turn(mailbox.imap.host, use.signal);
      return openMailbox(accessTo(mailbox), { ...optionsOf(config, use), ...pausing(pauses, mailbox) });
    });
}

export function accessOf(mailbox: MailboxToWatch, password: string) {
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

/** How its server is spoken to, and for how long. */
export function optionsOf({ allowedNetworks, imapUidOnly, limits }: Config, { signal }: LeasedUse) {
  const { connectTimeoutMs, socketTimeoutMs, commandTimeoutMs, minBytesPerSecond } = limits;
  const patience = { socketTimeoutMs, commandTimeoutMs, minBytesPerSecond };
  const ended = signal === undefined ? {} : { signal };
  return { hostRules: { allowedNetworks }, connectTimeoutMs, uidOnly: imapUidOnly, ...patience, ...ended };
}

/** Connections of this worker, counted with those of all others. */
export function leasesOfWorker(worker: string, db: Database): ConnectionLeases {
  return createConnectionLeases(
    {
      exchange: (change) => exchangeLeases(db, worker, change),
      beat: () => beatAsHolder(db, worker),
      own: () => leasesOf(db, worker),
      forget: (which) => forgetHolders(db, which === 'dead' ? null : worker),
    },
    () => performance.now(),
  );
}

/** What watching is made of. A worker without the role `idle` never begins to. */
function shardsOf(
  config: Config,
  {
    accessTo,
    leases,
    pauses,
    worker,
    engine,
    ...given
  }: Pick<Watching, 'db' | 'pace' | 'askTemporal'> & {
    accessTo: (mailbox: MailboxToWatch) => MailboxAccess;
    leases: ConnectionLeases;
    pauses: HostPauses;
    worker: string;
    engine: ShardEngine;
  },
): Omit<ShardContext, 'show'> {
  const { limits } = config;
  const watching: Watching = {
    ...given,
    poke: (mailboxId, reason) => engine.poke(mailboxId, reason),
    warmUp: createWarmUp({ load: (mailboxId) => engine.load(mailboxId), atOnce: limits.warmUpsAtOnce }),
    watch: (mailbox, wish) =>
      watchLeased(leases, { account: mailbox, limits, onLost: wish.onLost }, async (onLost) => {
        await pauses.refuse(mailbox);
        await wish.turn();
        const options = { ...watchOptionsOf(config, mailbox.imap.host), ...pausing(pauses, mailbox) };
        return openWatch(accessTo(mailbox), { ...options, ...wish, onLost });
      }),
    gate: createGate(limits.attachesPerHost),
    limits: { ...limits, connectionKeptMs: limits.connectionIdleMs },
    now: () => performance.now(),
  };
  return { holder: createIdleHolder(worker, watching), shardHoldMs: limits.shardHoldMs };
}

function watchOptionsOf({ allowedNetworks, limits }: Config, host: string) {
  const { connectTimeoutMs, socketTimeoutMs, watchBytesPerMinute: maxBytesPerMinute } = limits;
  const idleRenewMs = Math.min(limits.idleRenewMs, presetOfHost(host)?.idleRenewalMs ?? limits.idleRenewMs);
  return {
    hostRules: { allowedNetworks },
    limits: { connectTimeoutMs, socketTimeoutMs, idleRenewMs, maxBytesPerMinute },
  };
}

/** A provider that many customers share notices who connects too fast; a company's own server is asked by one. */
export function hostPaceOf({ limits }: Config, db: Database): HostPace {
  return createHostPace({
    reserve: (wanted) => reserveConnections(db, wanted),
    perSecondOf: (host) =>
      presetOfHost(host) === null ? limits.hostConnectsPerSecond : limits.providerConnectsPerSecond,
  });
}

/** The servers that are left alone, as all workers know of them. */
export function hostPausesOf({ limits }: Config, db: Database): HostPauses {
  const store = { read: () => pausedServers(db), write: (paused: PausedServer) => pauseServer(db, paused) };
  return createHostPauses({ ...store, limits, now: () => performance.now() });
}

function pausing(pauses: HostPauses, mailbox: MailboxToWatch): { onBusyForAll: (failure: MailFailure) => void } {
  return {
    onBusyForAll: (failure) => {
      pauses.pause(mailbox, failure);
    },
  };
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
