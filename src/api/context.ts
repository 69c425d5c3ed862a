import type {
  FastifyBaseLogger,
  FastifyInstance,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
} from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import type { Logger } from 'pino';

import type { Limits } from '../config/limits';
import type { BlobStore } from '../db/blobs/blob-store';
import type { Database } from '../db/database';
import type { SecretBox } from '../db/secret-box';
import type { Discovery } from '../domain/discovery';
import type { PreviewAnswer, PreviewPolicy } from '../domain/preview';
import type { ProbeAnswer } from '../domain/probe';
import type { CrmAccess } from './connectors/crm-access';
import type { ErasureGate } from './erasure-gate';
import type { MessageContent } from './messages/message-content';
import type { TemporalGateway } from './temporal-gateway';
import type { Gates } from './tenant-gate';

/** What is needed to try a mailbox. The password is in clear here, on its way to the server, and nowhere else. */
export interface MailboxToTry {
  host: string;
  port: number;
  security: 'tls' | 'starttls' | 'none';
  allowInvalidCertificate: boolean;
  ca: string | null;
  username: string;
  password: string;
}

/** Everything the routes use. Built once by the entry point; tests build it by hand. */
export interface ApiContext {
  db: Database;
  blobs: BlobStore;
  secretBox: SecretBox;
  /** Tries to log in and look around, within limits.probeTimeoutMs. Never throws for what a server does. */
  probeMailbox: (access: MailboxToTry) => Promise<ProbeAnswer>;
  /** Looks for the server of a mail domain, within limits.discoverTimeoutMs. Never throws for what the DNS or a server does. */
  discoverServer: (domain: string) => Promise<Discovery | null>;
  /** Logs in and looks around, within limits.previewTimeoutMs. Never throws for what a server does. */
  previewMailbox: (access: MailboxToTry, policy: PreviewPolicy) => Promise<PreviewAnswer>;
  gates: Gates;
  /** How the bytes of a message are read. */
  content: MessageContent;
  /** How connectors are checked and tried. */
  crm: CrmAccess;
  temporal: TemporalGateway;
  erasures: ErasureGate;
  limits: Limits;
  /** The data directory lies inside a git clone. */
  homeInsideClone: boolean;
  log: Logger;
  now: () => Date;
}

/** The server as routes see it: requests and answers are typed by their zod schemas. */
export type Api = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  ZodTypeProvider
>;
