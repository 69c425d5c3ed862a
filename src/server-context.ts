import type { Logger } from 'pino';

import type { ApiContext } from './api/context';
import type { Config } from './config/config';
import { createPostgresBlobStore } from './db/blobs/postgres-blob-store';
import { openDatabase } from './db/database';
import { createSecretBox } from './db/secret-box';
import { createTemporalGateway } from './engine/temporal-gateway';
import { sanitiseHtml } from './mail/html/sanitise-html';
import { decodePart, readHtml } from './mail/parse/stored-parts';
import { probeMailbox } from './mail/probe-mailbox';

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
  return {
    db,
    blobs: createPostgresBlobStore(db),
    secretBox: createSecretBox(config.secretKeys),
    probeMailbox: (access) =>
      probeMailbox(access, { hostRules: { allowedNetworks }, probeTimeoutMs: limits.probeTimeoutMs }),
    content: { decodePart, readHtml, sanitiseHtml },
    temporal,
    limits,
    homeInsideClone: config.homeInsideClone,
    log,
    now: () => new Date(),
    close: async () => {
      await temporal.close();
      await db.close();
    },
  };
}
