import type { BlobStore } from '../../db/blobs/blob-store';
import type { Database } from '../../db/database';
import type { MailboxForSync } from '../../db/sync/mailbox-for-sync';
import type { Mailbox } from '../../mail/mailbox';
import type { ActivityLimits } from '../context';

/** What verifying is made of: it reads, and writes nothing. */
export interface VerifyContext {
  db: Database;
  blobs: Pick<BlobStore, 'open'>;
  limits: Pick<ActivityLimits, 'fetchBatchMessages' | 'fetchBatchBytes' | 'streamAboveBytes'>;
  connect(mailbox: MailboxForSync, signal: AbortSignal): Promise<Mailbox>;
}

/** How one looks. */
export interface VerifyOptions {
  /** Of how many copies the bytes are compared; all of them; `seed` says which. */
  bytes: { of: 'sample'; copies: number; seed: number } | { of: 'all' };
  /** What is wrong is looked for again after so long: a live mailbox is never quite still. */
  secondLookMs: number;
  /**
   * So long a difference to the server may last that a round has not had the time to see. Null: as long as the mailbox's own refresh time
   * allows.
   */
  waitMs: number | null;
  signal: AbortSignal;
}
