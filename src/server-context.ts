import type { Logger } from 'pino';

import { crmReachOf } from './activities/crm-reach';
import { openDirectory } from './activities/open-directory';
import type { CrmAccess } from './api/connectors/crm-access';
import type { ApiContext } from './api/context';
import { createErasureGate } from './api/erasure-gate';
import { createGates } from './api/tenant-gate';
import type { Config } from './config/config';
import { connectorKinds } from './crm/connectors';
import { CrmFailure } from './crm/crm-failure';
import { createPostgresBlobStore } from './db/blobs/postgres-blob-store';
import { openDatabase } from './db/database';
import { createErasureMirror } from './db/erasures/mirror';
import { replayErasures } from './db/erasures/replay';
import { createSecretBox, type SecretBox } from './db/secret-box';
import { createTemporalGateway } from './engine/temporal-gateway';
import { discoverServer } from './mail/discover/discover-server';
import { dnsQuestions } from './mail/discover/dns-answers';
import { createHtmlPool } from './mail/html/html-pool';
import { decodePart } from './mail/parse/stored-parts';
import { previewMailbox } from './mail/preview-mailbox';
import { probeMailbox } from './mail/probe-mailbox';

/** A DNS server that does not answer leaves three quarters of the time to those who look for the server otherwise. */
const shareOfDns = 4;

/** Everything the routes use, and how to let go of it. */
export interface ServerContext extends ApiContext {
  close(): Promise<void>;
}

/** Builds what the server needs from its configuration. Nothing is connected until it is used. */
export function createServerContext(config: Config, log: Logger): ServerContext {
  const { limits, allowedNetworks } = config;
  const db = openDatabase({
    url: config.databaseUrl,
    poolSize: config.databasePoolSize,
    applicationName: 'letterbook-api',
  });
  const temporal = createTemporalGateway({ address: config.temporalAddress, namespace: config.temporalNamespace });
  const secretBox = createSecretBox(config.secretKeys);
  const mirror = createErasureMirror(db, config.erasuresFile);
  const htmlPool = createHtmlPool({
    threads: limits.htmlThreads,
    timeoutMs: limits.htmlTimeoutMs,
    heapMegabytes: limits.parseHeapMegabytes,
    limits,
  });
  const now = () => new Date();
  return {
    db,
    blobs: createPostgresBlobStore(db),
    secretBox,
    erasures: createErasureGate(() => replayErasures(db, mirror), { log, now }),
    probeMailbox: (access) =>
      probeMailbox(access, { hostRules: { allowedNetworks }, probeTimeoutMs: limits.probeTimeoutMs }),
    ...lookingBeforeConnecting(config),
    content: { decodePart, showHtml: (wish) => htmlPool.show(wish) },
    crm: crmAccessOf(config, secretBox),
    temporal,
    limits,
    homeInsideClone: config.homeInsideClone,
    log,
    now,
    close: async () => {
      await htmlPool.close();
      await temporal.close();
      await db.close();
    },
  };
}

/** How the API tries a CRM: within a shorter time than workers have, because somebody waits for the answer. */
function crmAccessOf({ limits, allowedNetworks }: Config, secretBox: SecretBox): CrmAccess {
  const crmTimeoutMs = Math.min(limits.crmTimeoutMs, limits.probeTimeoutMs);
  const reach = crmReachOf({ limits: { ...limits, crmTimeoutMs }, allowedNetworks });
  return {
    kinds: connectorKinds,
    open: (connector) => openDirectory({ secretBox, reach }, connector),
    refusalOf: (error) => (error instanceof CrmFailure ? { code: error.code, status: error.status } : null),
  };
}

/** What is asked of others before a mailbox is connected. */
function lookingBeforeConnecting({
  limits,
  allowedNetworks,
}: Config): Pick<ApiContext, 'discoverServer' | 'previewMailbox' | 'gates'> {
  const hostRules = { allowedNetworks };
  return {
    discoverServer: (domain) =>
      discoverServer(domain, {
        // Made anew each time: a resolver never reads again which servers the system uses.
        dns: dnsQuestions({ timeoutMs: Math.ceil(limits.discoverTimeoutMs / shareOfDns) }),
        hostRules,
        timeoutMs: limits.discoverTimeoutMs,
        triesAtOnce: limits.discoverTriesAtOnce,
      }),
    previewMailbox: (access, policy) =>
      previewMailbox(access, policy, {
        hostRules,
        timeoutMs: limits.previewTimeoutMs,
        folders: limits.previewFolders,
        sampleMessages: limits.previewSampleMessages,
      }),
    gates: createGates(limits),
  };
}
