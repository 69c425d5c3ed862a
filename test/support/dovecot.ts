import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { importScript } from './import-script';

/** A Dovecot that knows every user; each test takes a user name of its own, so that tests do not meet. */
export interface TestDovecot {
  host: string;
  /** Without TLS, STARTTLS offered. */
  imapPort: number;
  imapsPort: number;
  lmtpPort: number;
  /** The authority of its certificate (PEM). */
  caFile: string;
  /** The password of every user. */
  password: string;
  version: string;
  /** One folder per user. */
  mailDir: string;
  pid: number;
}

export interface DovecotWish {
  /** The server's certificate; default `valid` for localhost and 127.0.0.1. */
  certificate?: 'valid' | 'expired' | 'other-name';
  /**
   * `without-notify`: IDLE only; `poor`: no CONDSTORE, IDLE, MOVE, SPECIAL-USE; `tls-required`: no password without TLS.
   * Default `usual`.
   */
  profile?: 'usual' | 'without-notify' | 'poor' | 'tls-required';
  /** From one address; one more is refused. Any number where absent. */
  connectionsPerUser?: number;
  ports?: { imap?: number; imaps?: number; lmtp?: number };
}

/** The Dovecot that all tests of a run share. */
export function sharedDovecot(): TestDovecot {
  const given = process.env['LETTERBOOK_TEST_DOVECOT'];
  if (given === undefined || given === '')
    throw new Error('LETTERBOOK_TEST_DOVECOT is not set: run the test through jest.');
  return JSON.parse(given) as TestDovecot;
}

interface DovecotScript {
  startDovecot: (wish: DovecotWish & { dir: string }) => Promise<TestDovecot & { stop: () => Promise<void> }>;
}

/** A Dovecot for one test, with settings of its own; `stop` ends it and removes its mail. */
export async function startDovecot(wish: DovecotWish = {}): Promise<TestDovecot & { stop: () => Promise<void> }> {
  const script = await importScript<DovecotScript>('scripts/lib/dovecot.mjs');
  const dir = mkdtempSync(join(tmpdir(), 'letterbook-dovecot-'));
  const started = await script.startDovecot({ dir, ...wish });
  return {
    ...started,
    stop: async () => {
      await started.stop();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
