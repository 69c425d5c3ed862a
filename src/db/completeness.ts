import { z } from 'zod';

import type { Database, Sql } from './database';
import { insertOperation, type Operation } from './operations';

/** What the last comparison of a folder with its server found. A folder that was never compared is `not-provable`. */
export interface FolderCompleteness {
  folder: string;
  role: string | null;
  verdict: 'complete' | 'missing' | 'not-provable';
  reason: string | null;
  serverCount: number | null;
  serverBytes: number | null;
  ledgerCounts: Record<string, number>;
  ledgerBytes: number | null;
  /** The first 1,000. */
  missing: number[];
  missingCount: number;
  extra: number[];
  extraCount: number;
  /** On the server, and ended in the ledger. */
  ended: number[];
  endedCount: number;
  /** Listed by the server, not delivered, and accepted by nobody. */
  undeliveredCount: number;
  /** Failures that a person has accepted. */
  acceptedCount: number;
  /** How many messages the last audit compared with who they were when they were fetched, */
  identitiesCompared: number;
  /** and when the last of all of them had its turn. */
  identitiesWholeAt: Date | null;
  checkedAt: Date | null;
  provenAt: Date | null;
}

/** All folders of a mailbox that are in its scope, or were once compared, by name, each with its last comparison. */
export async function readCompleteness(
  db: Database,
  tenantId: string,
  sourceId: string,
): Promise<FolderCompleteness[]> {
  const { folders, audits, compared } = await db.prismaInTenant(tenantId, async (tx) => {
    const folders = await tx.folder.findMany({ where: { tenantId, sourceId, goneAt: null }, orderBy: { path: 'asc' } });
    const audits = await tx.folderAudit.findMany({
      where: { tenantId, folderId: { in: folders.map(({ id }) => id) } },
    });
    const compared = await tx.folderGeneration.findMany({
      select: { folderId: true },
      where: { tenantId, sourceId, retiredAt: null, auditedAt: { not: null } },
    });
    return { folders, audits, compared: new Set(compared.map(({ folderId }) => folderId)) };
  });
  const auditOf = new Map(audits.map((audit) => [audit.folderId, audit]));
  return folders.flatMap(({ id, path, role, inScope }): FolderCompleteness[] => {
    const audit = auditOf.get(id);
    if (audit !== undefined) {
      const last = comparison.parse(audit);
      // What stands behind that name now is another folder than the one that was compared, or has come back into scope.
      const isOfBefore = inScope && last.verdict === 'complete' && !compared.has(id);
      return [{ folder: path, role, ...last, ...(isOfBefore ? notCompared : {}) }];
    }
    return inScope ? [{ folder: path, role, ...neverCompared }] : [];
  });
}

const count = z.bigint().transform(Number);

/** A row as Prisma reads it. */
const comparison = z.object({
  verdict: z.enum(['complete', 'missing', 'not-provable']),
  reason: z.string().nullable(),
  serverCount: count.nullable(),
  serverBytes: count.nullable(),
  ledgerCounts: z.record(z.string(), z.number()),
  ledgerBytes: count.nullable(),
  missing: z.array(count),
  missingCount: count,
  extra: z.array(count),
  extraCount: count,
  ended: z.array(count),
  endedCount: count,
  undeliveredCount: count,
  acceptedCount: count,
  identitiesCompared: count,
  identitiesWholeAt: z.date().nullable(),
  checkedAt: z.date(),
  provenAt: z.date().nullable(),
});

const notCompared = { verdict: 'not-provable', reason: 'not-compared-yet' } as const;

const neverCompared = {
  ...notCompared,
  serverCount: null,
  serverBytes: null,
  ledgerCounts: {},
  ledgerBytes: null,
  missing: [],
  missingCount: 0,
  extra: [],
  extraCount: 0,
  ended: [],
  endedCount: 0,
  undeliveredCount: 0,
  acceptedCount: 0,
  identitiesCompared: 0,
  identitiesWholeAt: null,
  checkedAt: null,
  provenAt: null,
} satisfies Omit<FolderCompleteness, 'folder' | 'role'>;

/** The operation of a comparison: the one that has not ended, so that two callers wait for the same, or a new one. */
export async function auditOperation(sql: Sql, tenantId: string, sourceId: string): Promise<Operation> {
  const [pending] = await sql.query<Operation>(
    `SELECT id, kind, source_id AS "sourceId", state, done, total, result, error, created_at AS "createdAt",
       started_at AS "startedAt", finished_at AS "finishedAt"
     FROM operation WHERE tenant_id = $1 AND source_id = $2 AND kind = 'audit' AND state IN ('waiting', 'running')
     ORDER BY created_at LIMIT 1`,
    [tenantId, sourceId],
  );
  return pending ?? insertOperation(sql, tenantId, { kind: 'audit', sourceId, generation: null });
}
