import type { StepCode } from './step-codes';

/** Where a server is and how it is spoken to. */
export interface ServerAddress {
  host: string;
  port: number;
  security: 'tls' | 'starttls';
}

/** The page of the provider that the values come from. */
export interface PresetSource {
  page: string;
  url: string;
  /** The month in which the values were last compared with what the page, or a copy of it, says; null: not since they were entered. */
  compared: `${number}-${number}` | null;
}

/** What is known of a provider before anybody has connected to it. */
export interface ProviderPreset {
  /** Stable short name, as the API and the search attribute `Provider` show it. */
  provider: string;
  /** As people know it. */
  name: string;
  /** Mail domains of the provider; `*` stands for a country's ending (`de`, `co.uk`, `com.au`) or `com`. Empty: customers use their own domains. */
  domains: readonly string[];
  /** Endings of the MX hosts by which customers' own domains are recognised; the longest that fits decides. */
  mxSuffixes: readonly string[];
  imap: ServerAddress;
  smtp: ServerAddress;
  /** What is sent by SMTP: put into Sent by the server, left to the client, or not known (then Sent is searched before a copy is put there). */
  sentCopies: 'server' | 'client' | 'unknown';
  /** What is taken as password: that of the account, one made for this purpose, or none at all (OAuth2 only). */
  login: 'password' | 'app-password' | 'oauth2';
  /** The step that was most likely left out where a login is refused. */
  loginStep: StepCode;
  connections: {
    /** How many the provider allows an account; null where it does not say. */
    limit: number | null;
    /** How many we use at most, three at least: the user's own programs need the rest. */
    use: number;
  };
  /** IDLE is ended and begun again after this (RFC 2177 allows 29 minutes; servers and NATs forget earlier). */
  idleRenewalMs: number;
  /** Bytes of mail that may be fetched by IMAP in a day; null where no limit is published. */
  dailyDownloadBytes: number | null;
  /** What a person must do first, in this order. */
  steps: readonly StepCode[];
  sources: readonly PresetSource[];
}

/** IMAP or submission with TLS from the start (RFC 8314 3.3). */
export function implicitTls(host: string, port: 993 | 465): ServerAddress {
  return { host, port, security: 'tls' };
}

/** Submission with STARTTLS on port 587 (RFC 6409). */
export function startTls(host: string): ServerAddress {
  return { host, port: 587, security: 'starttls' };
}

/** Where nothing better is known: below the five minutes after which home routers forget a silent connection. */
export const usualIdleRenewalMs = 270_000;
