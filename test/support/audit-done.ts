import { newUuid } from '../../src/db/new-id';
import type { AuditDone } from '../../src/db/ingest/audit-write';

/** The end of an audit that found nothing, or something. */
export function auditDone(complete: boolean): AuditDone {
  return {
    operationId: newUuid(),
    cause: 'person',
    folderIds: [],
    verdict: complete ? 'complete' : 'missing',
    isPartial: false,
    linked: 0,
    result: {},
    dailyMs: 86_400_000,
    againMs: 600_000,
  };
}
