import { z } from 'zod';

import type { Violation } from '../../domain/verify';
import { chunkBytes } from '../blobs/copy-binary';
import type { Database, Sql } from '../database';
import { lostMessages, nextCopies, timelinesAreBeingWritten, type CheckedCopy, type CopyShare } from '../link-check';
import { timelineDifferences } from '../timeline-write';

interface OfSource {
  tenantId: string;
  sourceId: string;
}

/** Where a copy stands on the server. */
export interface Placed {
  folderId: string;
  genId: number;
  uid: number;
  size: number | null;
}

/** A copy whose bytes are to be looked at. */
export interface VerifiedCopy {
  copyId: string;
  messageId: string;
  /** Hex of the SHA-256 of the bytes as they were fetched. */
  sha: string;
  rawState: 'full' | 'reduced';
  blobId: string | null;
  /** Where the server shows it, in current generations. */
  placed: Placed[];
}

/** Which copies: so many by chance, always the same for one seed; or all, in the order of an index. */
export type CopyChoice =
  { kind: 'sample'; seed: number; limit: number } | { kind: 'page'; after: string | null; limit: number };

const placed = z.array(
  z.object({ folderId: z.string(), genId: z.number(), uid: z.number(), size: z.number().nullable() }),
);

/** Copies of a mailbox that have bytes, with where the server shows them. */
export async function copiesToVerify(
  db: Database,
  { tenantId, sourceId }: OfSource,
  choice: CopyChoice,
): Promise<VerifiedCopy[]> {
  const chosen =
    choice.kind === 'sample'
      ? `ORDER BY sha256(c.raw_sha || convert_to($3, 'UTF8'))`
      : `AND c.raw_sha > decode($3, 'hex') ORDER BY c.raw_sha`;
  const by = choice.kind === 'sample' ? String(choice.seed) : (choice.after ?? '');
  const rows = await db.inTenant(tenantId, (sql) =>
    sql.query<VerifiedCopy>(
      `WITH chosen AS MATERIALIZED (
         SELECT c.id, c.message_id, c.raw_sha, c.raw_state, c.blob_id FROM copy c
         WHERE c.tenant_id = $1 AND c.source_id = $2 AND c.raw_state <> 'none' ${chosen} LIMIT $4)
       SELECT c.id AS "copyId", c.message_id AS "messageId", encode(c.raw_sha, 'hex') AS sha, c.raw_state AS "rawState", c.blob_id AS "blobId",
         coalesce((SELECT jsonb_agg(jsonb_build_object('folderId', g.folder_id, 'genId', p.gen_id, 'uid', p.uid, 'size', p.size))
           FROM placement p JOIN folder_generation g ON g.id = p.gen_id AND g.retired_at IS NULL
           WHERE p.copy_id = c.id AND p.presence = 1), '[]') AS placed
       FROM chosen c ORDER BY c.raw_sha`,
      [tenantId, sourceId, by, choice.limit],
    ),
  );
  return rows.map((row) => ({ ...row, placed: placed.parse(row.placed) }));
}

/** Whether a copy is still there, with the same bytes. */
export async function copyStands(
  db: Database,
  tenantId: string,
  copy: Pick<VerifiedCopy, 'copyId' | 'blobId'>,
): Promise<boolean> {
  const rows = await db.inTenant(tenantId, (sql) =>
    sql.query('SELECT FROM copy WHERE tenant_id = $1 AND id = $2 AND blob_id IS NOT DISTINCT FROM $3', [
      tenantId,
      copy.copyId,
      copy.blobId,
    ]),
  );
  return rows.length > 0;
}

/** What was found of a share of copies. */
export interface CopiesVerified {
  violations: Violation[];
  /** Where the next share begins; null where there is none. */
  next: string | null;
  /** Where a job was just writing links or timelines, these were not looked at. */
  timelines: 'compared' | 'being-written';
}

/**
 * Looks at a share of a mailbox's copies: that their bytes are there, and that their messages are in the timelines they belong to and in no
 * others.
 */
export function brokenCopies(db: Database, share: CopyShare): Promise<CopiesVerified> {
  const { tenantId } = share;
  return db.inTenant(tenantId, async (sql) => {
    const copies = await nextCopies(sql, share);
    const messageIds = [...new Set(copies.map(({ messageId }) => messageId))];
    const violations = await withoutBytes(sql, tenantId, copies);
    const isBeingWritten = await timelinesAreBeingWritten(sql, tenantId);
    if (copies.length > 0 && !isBeingWritten) {
      const lost = await lostMessages(sql, tenantId, copies);
      const timelines = await timelineDifferences(sql, tenantId, messageIds);
      violations.push(
        ...lost.map((messageId): Violation => ({ invariant: 'not-linked', messageId })),
        ...timelines.map(({ messageId, kind }): Violation => ({ invariant: `timeline-${kind}`, messageId })),
      );
    }
    const last = copies.at(-1);
    const next = last === undefined || copies.length < share.limit ? null : last.sha;
    return { violations, next, timelines: isBeingWritten ? 'being-written' : 'compared' };
  });
}

async function withoutBytes(sql: Sql, tenantId: string, copies: CheckedCopy[]): Promise<Violation[]> {
  const rows = await sql.query<{ messageId: string }>(
    `SELECT c.message_id AS "messageId" FROM unnest($2::uuid[]) AS mine(id) JOIN copy c ON c.tenant_id = $1 AND c.id = mine.id
     LEFT JOIN blob b ON b.tenant_id = $1 AND b.id = c.blob_id
     WHERE c.raw_state <> 'none' AND (b.id IS NULL
       OR ceil(b.stored_size / ${String(chunkBytes)}.0) <> (SELECT count(*) FROM blob_bytes k WHERE k.blob_id = b.id))`,
    [tenantId, copies.map(({ id }) => id)],
  );
  return rows.map(({ messageId }) => ({ invariant: 'bytes-missing', messageId }));
}
