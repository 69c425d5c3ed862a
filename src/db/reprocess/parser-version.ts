import { uuidArray } from '../binary-array';
import type { Sql } from '../database';

/** Notes which version of the parser copies were read with last. Second run: no change. */
export async function writeParserVersion(
  sql: Sql,
  tenantId: string,
  { copyIds, parserVersion }: { copyIds: string[]; parserVersion: number },
): Promise<void> {
  if (copyIds.length === 0) return;
  await sql.execute(
    'UPDATE copy SET parser_version = $3 WHERE tenant_id = $1 AND id = ANY ($2::uuid[]) AND parser_version <> $3',
    [tenantId, uuidArray(copyIds), parserVersion],
  );
}
