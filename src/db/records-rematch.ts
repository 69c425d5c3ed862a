import { gmailAccount } from '../domain/address';
import type { Database, Sql } from './database';
import { isAnyNumberKey, withNumberedAddresses } from './record-numbers';
import { insertRematch } from './rematch-task';
import { isSourceKey, sourceOfKey } from './source-keys';

/** A job that links stored mail anew, and how many copies of messages there are to be looked at until it has ended. */
export interface QueuedRematch {
  operationId: string;
  messages: number;
}

/**
 * Has the stored mail of these addresses linked again, after the commit; null where there is no such mail. `@domain` stands for all mail of a
 * domain, the key of a source (source-keys.ts) for all of its mail, `number:` and the number of a record for that to addresses of ours with it. A job of the tenant that waits takes them too; one that runs goes on, and the next one follows it (rematch-job.ts).
 * To be called under the tenant's lock, in the transaction that changed the records.
 */
export async function queueRematch(sql: Sql, tenantId: string, keys: string[]): Promise<QueuedRematch | null> {
  const found = await keysWithMail(sql, tenantId, await withNumberedAddresses(sql, tenantId, { keys }));
  if (found.length === 0) return null;
  const operationId = (await waitingJob(sql, tenantId)) ?? (await insertRematch(sql, tenantId));
  await sql.execute(
    `INSERT INTO rematch_key (tenant_id, operation_id, address_key) SELECT $1, $2, unnest($3::text[]) ON CONFLICT DO NOTHING`,
    [tenantId, operationId, found.map(({ key }) => key)],
  );
  const more = found.reduce((sum, { copies }) => sum + copies, 0);
  await sql.execute('UPDATE operation SET total = total + $3 WHERE tenant_id = $1 AND id = $2', [
    tenantId,
    operationId,
    more,
  ]);
  return { operationId, messages: await leftToDo(sql, tenantId) };
}

const open = `tenant_id = $1 AND source_id IS NULL AND kind = 'rematch'`;

async function waitingJob(sql: Sql, tenantId: string): Promise<string | null> {
  const [job] = await sql.query<{ id: string }>(
    `SELECT id FROM operation WHERE ${open} AND state = 'waiting' ORDER BY created_at, id LIMIT 1`,
    [tenantId],
  );
  return job?.id ?? null;
}

async function leftToDo(sql: Sql, tenantId: string): Promise<number> {
  const [row] = await sql.query<{ left: number }>(
    `SELECT coalesce(sum(total - done), 0)::bigint AS left FROM operation WHERE ${open} AND state IN ('waiting', 'running')`,
    [tenantId],
  );
  return row?.left ?? 0;
}

const hasPolicy = (name: string, value: string) =>
  `EXISTS (SELECT FROM source WHERE tenant_id = $1 AND policy ->> '${name}' = '${value}')`;

/**
 * Those of the keys that have mail, and how many copies there are to be looked at for each. Addresses of Gmail bring with them all that lead
 * to the same account, where a source does not tell them apart; domains count where a source links by them.
 */
async function keysWithMail(sql: Sql, tenantId: string, keys: string[]): Promise<{ key: string; copies: number }[]> {
  if (keys.length === 0) return [];
  const accounts = keys.map(gmailAccount).filter((account) => account !== null);
  return sql.query(
    `WITH wanted AS MATERIALIZED (
       SELECT key FROM unnest($2::text[]) AS key WHERE NOT starts_with(key, '@')
       UNION SELECT address_key FROM copy_address
       WHERE tenant_id = $1 AND gmail_key = ANY ($3::text[]) AND ${hasPolicy('gmailAddresses', 'fold-dots-and-tags')}
     ), domains AS MATERIALIZED (
       SELECT key, row_number() OVER () AS n FROM unnest($2::text[]) AS key
       WHERE starts_with(key, '@') AND NOT ${isSourceKey('key')} AND (${isAnyNumberKey('key')} OR ${hasPolicy('companyDomains', 'link')})
     )
     SELECT w.key, m.copies FROM wanted w CROSS JOIN LATERAL (
       SELECT count(DISTINCT copy_id) AS copies FROM copy_address WHERE tenant_id = $1 AND address_key = w.key OFFSET 0
     ) AS m WHERE m.copies > 0
     UNION ALL
     SELECT key, CASE WHEN n = 1 THEN (
       SELECT count(*) FROM source s JOIN copy c ON c.source_id = s.id AND c.tenant_id = $1 WHERE s.tenant_id = $1) ELSE 0 END
     FROM domains
     UNION ALL
     SELECT k.key, c.copies FROM unnest($2::text[]) AS k(key) CROSS JOIN LATERAL (
       SELECT count(*) AS copies FROM copy WHERE tenant_id = $1 AND source_id = CASE WHEN ${isSourceKey('k.key')} THEN ${sourceOfKey('k.key')} END) AS c
     WHERE c.copies > 0`,
    [tenantId, keys, accounts],
  );
}

/**
 * Jobs of all tenants that should run, also those that tell anew who may read stored mail: written or begun, and at least `olderThanMs` old, so that whoever wrote them had the time to start
 * them; at most 200, of more any. Starting one that runs changes nothing.
 */
export async function unfinishedRematches(
  db: Database,
  olderThanMs: number,
): Promise<{ tenantId: string; operationId: string }[]> {
  return db.acrossTenants((sql) =>
    sql.query(
      `SELECT "tenantId", "operationId" FROM (
         SELECT tenant_id AS "tenantId", id AS "operationId", created_at FROM operation
         WHERE kind IN ('rematch', 'visibility') AND state IN ('waiting', 'running') AND created_at < now() - $1 * interval '1 millisecond'
         ORDER BY random() LIMIT 200) picked ORDER BY created_at`,
      [olderThanMs],
    ),
  );
}
