import { createHash, randomBytes } from 'node:crypto';
import { PassThrough } from 'node:stream';

import pino from 'pino';

import { crmReachOf } from '../../src/activities/crm-reach';
import { openDirectory } from '../../src/activities/open-directory';
import { buildApp } from '../../src/api/app';
import type { Api, ApiContext, MailboxToTry } from '../../src/api/context';
import { EngineUnavailable, type EngineHealth, type TemporalGateway } from '../../src/api/temporal-gateway';
import { createGates } from '../../src/api/tenant-gate';
import type { Scope } from '../../src/api/viewer';
import { defaultLimits, type Limits } from '../../src/config/limits';
import { connectorKinds } from '../../src/crm/connectors';
import { CrmFailure } from '../../src/crm/crm-failure';
import { insertKey } from '../../src/db/api-keys';
import { createPostgresBlobStore } from '../../src/db/blobs/postgres-blob-store';
import type { Database } from '../../src/db/database';
import { newUuid } from '../../src/db/new-id';
import { createSecretBox } from '../../src/db/secret-box';
import { createHtmlPool } from '../../src/mail/html/html-pool';
import { decodePart } from '../../src/mail/parse/stored-parts';
import type { ProbeAnswer } from '../../src/domain/probe';
import type { AuditInput, SyncNowAnswer } from '../../src/workflows/contract';

/** An engine that notes what it is asked, and answers what the test says. */
export interface FakeEngine extends TemporalGateway {
  asked: { what: keyof TemporalGateway; input: unknown }[];
  /** While true every call fails as if Temporal were down. */
  down: boolean;
  onSync: () => Promise<SyncNowAnswer>;
  onAudit: (input: AuditInput) => Promise<void>;
  state: EngineHealth;
}

/** An API over a real database, with its engine and mail server played. */
export interface TestApi {
  api: Api;
  context: ApiContext;
  engine: FakeEngine;
  /** Every connection that was tried. */
  tried: MailboxToTry[];
  /** What the next connections find; a mailbox that opens, unless the test says otherwise. */
  probe: { answer: ProbeAnswer };
  /** Everything that was logged, as text. */
  logged: () => string;
}

/** Builds the API for a test; nothing listens, requests go in by `inject`. */
export function testApi(db: Database, limits: Partial<Limits> = {}): TestApi {
  const engine = fakeEngine();
  const tried: MailboxToTry[] = [];
  const probe: TestApi['probe'] = { answer: { ok: true, provider: null, abilities: [], folders: 1 } };
  const lines: string[] = [];
  const sink = new PassThrough().on('data', (line: Buffer) => lines.push(line.toString('utf8')));
  const allLimits = { ...defaultLimits, ...limits };
  const htmlPool = createHtmlPool({
    threads: allLimits.htmlThreads,
    timeoutMs: allLimits.htmlTimeoutMs,
    heapMegabytes: allLimits.parseHeapMegabytes,
    limits: allLimits,
  });
  const secretBox = createSecretBox([{ id: 'test', key: randomBytes(32) }]);
  const reach = crmReachOf({ limits: allLimits, allowedNetworks: ['127.0.0.0/8'] });
  const context: ApiContext = {
    db,
    blobs: createPostgresBlobStore(db),
    secretBox,
    crm: {
      kinds: connectorKinds,
      open: (connector) => openDirectory({ secretBox, reach }, connector),
      refusalOf: (error) => (error instanceof CrmFailure ? { code: error.code, status: error.status } : null),
    },
    probeMailbox: (access) => {
      tried.push(access);
      return Promise.resolve(probe.answer);
    },
    discoverServer: () => Promise.resolve(null),
    previewMailbox: () => Promise.resolve({ ok: false, code: 'port-closed', detail: 'nobody is played' }),
    gates: createGates(allLimits),
    content: { decodePart, showHtml: (wish) => htmlPool.show(wish) },
    temporal: engine,
    erasures: { pending: () => Promise.resolve(0) },
    limits: allLimits,
    homeInsideClone: false,
    log: pino({ level: 'debug' }, sink),
    now: () => new Date(),
  };
  const api = buildApp(context);
  api.addHook('onClose', () => htmlPool.close());
  return { api, context, engine, tried, probe, logged: () => lines.join('') };
}

function fakeEngine(): FakeEngine {
  const asked: FakeEngine['asked'] = [];
  const note = (what: keyof TemporalGateway, input: unknown): Promise<void> => {
    asked.push({ what, input });
    return engine.down ? Promise.reject(new EngineUnavailable('down')) : Promise.resolve();
  };
  const engine: FakeEngine = {
    asked,
    down: false,
    state: { reachable: true, polled: true },
    onSync: () => Promise.resolve({ kind: 'done', recorded: 0, filtered: 0, parked: 0 }),
    onAudit: () => Promise.resolve(),
    startMailbox: (input) => note('startMailbox', input),
    sendWish: (input) => note('sendWish', input),
    stopMailbox: (input) => note('stopMailbox', input),
    deleteMailbox: (input) => note('deleteMailbox', input),
    erasePerson: (input) => note('erasePerson', input),
    deleteCascade: (input) => note('deleteCascade', input),
    poke: (mailbox, reason) => note('poke', { ...mailbox, reason }),
    syncNow: (input) => note('syncNow', input).then(() => engine.onSync()),
    startRematch: (input) => note('startRematch', input),
    startMerge: (input) => note('startMerge', input),
    startLinks: (input) => note('startLinks', input),
    startReplay: (input) => note('startReplay', input),
    startReprocess: (input) => note('startReprocess', input),
    wakeConnector: (input) => note('wakeConnector', input),
    auditMailbox: (input) => note('auditMailbox', input).then(() => engine.onAudit(input)),
    health: () => Promise.resolve(engine.state),
    close: () => Promise.resolve(),
  };
  return engine;
}

export interface IssuedKey {
  key: string;
  tenantId: string;
  /** The database's id. */
  keyId: string;
  /** Headers of a request with this key. */
  headers: { authorization: string };
}

/** Makes a key of a tenant, or of one of its users, and says it in clear. */
export async function issueKey(
  db: Database,
  tenantId: string,
  options: { userId?: string; scopes?: Scope[]; expiresAt?: Date } = {},
): Promise<IssuedKey> {
  const key = `lbk_${randomBytes(24).toString('base64url')}`;
  const { id } = await db.inTenant(tenantId, (sql) =>
    insertKey(sql, tenantId, {
      hash: createHash('sha256').update(key).digest(),
      userId: options.userId ?? null,
      label: 'test',
      scopes: options.scopes ?? ['read', 'write', 'admin'],
      expiresAt: options.expiresAt ?? null,
    }),
  );
  return { key, tenantId, keyId: id, headers: { authorization: `Bearer ${key}` } };
}

let principals = 1;

/** Makes a user of a tenant; the database's id. */
export async function insertUser(
  db: Database,
  tenantId: string,
  role: 'admin' | 'manager' | 'member' = 'member',
): Promise<string> {
  const id = newUuid();
  principals += 1;
  const principal = principals;
  await db.inTenant(tenantId, (sql) =>
    sql.execute('INSERT INTO app_user (tenant_id, id, principal, role, name) VALUES ($1, $2, $3, $4, $5)', [
      tenantId,
      id,
      principal,
      role,
      'Somebody',
    ]),
  );
  return id;
}

/** Connects a mailbox by API; its public id. */
export async function connectMailbox(server: TestApi, key: IssuedKey, values: object = {}): Promise<string> {
  const answer = await server.api.inject({
    method: 'POST',
    url: '/v1/mailboxes',
    headers: key.headers,
    payload: {
      address: 'anna@company.example',
      imap: { host: 'imap.company.example', port: 993, security: 'tls' },
      auth: { type: 'password', password: 'x' },
      ...values,
    },
  });
  return answer.json<{ id: string }>().id;
}
