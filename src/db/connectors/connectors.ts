import { z } from 'zod';

import type { Sql } from '../database';
import { newUuid } from '../new-id';
import type { SealedSecret } from '../secret-box';

/** Why a CRM could not be asked or told the last time. */
const storedError = z.object({
  kind: z.string(),
  code: z.string(),
  status: z.number().nullable(),
  operation: z.string(),
  at: z.string(),
});

const storedRefusals = z.array(z.object({ externalId: z.string().nullable(), reasons: z.array(z.string()) }));

/** A connector as it is stored; its secret is sealed. */
export interface StoredConnector {
  id: string;
  kind: string;
  name: string;
  settings: unknown;
  secret: SealedSecret;
  state: 'active' | 'paused';
  pushes: boolean;
  version: number;
  pullCursor: string | null;
  pulledAt: Date | null;
  pullDueAt: Date;
  pushedAt: Date | null;
  failedTries: number;
  retryAt: Date | null;
  lastError: z.output<typeof storedError> | null;
  refused: number;
  lastRefused: z.output<typeof storedRefusals>;
  createdAt: Date;
  updatedAt: Date;
}

type Row = Omit<StoredConnector, 'secret' | 'lastError' | 'lastRefused'> & {
  secretBytes: Buffer;
  keyId: string;
  lastError: unknown;
  lastRefused: unknown;
};

const columns = `id, kind, name, settings, secret AS "secretBytes", secret_key_id AS "keyId", state, pushes, version,
  pull_cursor AS "pullCursor", pulled_at AS "pulledAt", pull_due_at AS "pullDueAt", pushed_at AS "pushedAt", failed_tries AS "failedTries",
  retry_at AS "retryAt", last_error AS "lastError", refused, last_refused AS "lastRefused", created_at AS "createdAt", updated_at AS "updatedAt"`;

function connectorOf({ secretBytes, keyId, lastError, lastRefused, ...row }: Row): StoredConnector {
  return {
    ...row,
    secret: { bytes: secretBytes, keyId },
    lastError: storedError.nullable().parse(lastError),
    lastRefused: storedRefusals.parse(lastRefused),
  };
}

/** What is written of a connector. */
export interface ConnectorValues {
  name: string;
  settings: Record<string, unknown>;
  secret: SealedSecret;
  pushes: boolean;
}

/** Writes a new connector, which has its first page to fetch at once. */
export async function insertConnector(
  sql: Sql,
  tenantId: string,
  { kind, ...values }: ConnectorValues & { kind: string },
): Promise<StoredConnector> {
  const rows = await sql.query<Row>(
    `INSERT INTO connector (tenant_id, id, kind, name, settings, secret, secret_key_id, pushes) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
     RETURNING ${columns}`,
    [tenantId, newUuid(), kind, ...valuesOf(values)],
  );
  return onlyRow(rows);
}

/** Writes what a person changed, and has it tried at once. With `cursor: 'begin'` all records are fetched anew. */
export async function updateConnector(
  sql: Sql,
  tenantId: string,
  change: { id: string; values: ConnectorValues; cursor: 'keep' | 'begin' },
): Promise<StoredConnector> {
  const rows = await sql.query<Row>(
    `UPDATE connector SET name = $3, settings = $4, secret = $5, secret_key_id = $6, pushes = $7, version = version + 1, updated_at = now(),
       pull_cursor = CASE WHEN $8 THEN NULL ELSE pull_cursor END, pull_due_at = now(), retry_at = NULL, failed_tries = 0
     WHERE tenant_id = $1 AND id = $2 RETURNING ${columns}`,
    [tenantId, change.id, ...valuesOf(change.values), change.cursor === 'begin'],
  );
  return onlyRow(rows);
}

function valuesOf({ name, settings, secret, pushes }: ConnectorValues): unknown[] {
  return [name, JSON.stringify(settings), secret.bytes, secret.keyId, pushes];
}

/** Stops a connector, or lets it go on, at once. Null where there is none. Second run: no change. */
export async function setConnectorState(
  sql: Sql,
  tenantId: string,
  wish: { id: string; state: 'active' | 'paused' },
): Promise<StoredConnector | null> {
  const rows = await sql.query<Row>(
    `UPDATE connector SET state = $3, version = version + (state <> $3)::integer,
       updated_at = CASE WHEN state = $3 THEN updated_at ELSE now() END, retry_at = NULL, failed_tries = 0
     WHERE tenant_id = $1 AND id = $2 RETURNING ${columns}`,
    [tenantId, wish.id, wish.state],
  );
  return rows[0] === undefined ? null : connectorOf(rows[0]);
}

/** Has a connector asked now, whatever was to be waited for. False where there is none that is active. */
export async function askConnectorNow(sql: Sql, tenantId: string, id: string): Promise<boolean> {
  const asked = await sql.execute(
    `UPDATE connector SET pull_due_at = least(pull_due_at, now()), retry_at = NULL WHERE tenant_id = $1 AND id = $2 AND state = 'active'`,
    [tenantId, id],
  );
  return asked > 0;
}

/** The connector with this id, or null. */
export async function readConnector(sql: Sql, tenantId: string, id: string): Promise<StoredConnector | null> {
  const rows = await sql.query<Row>(`SELECT ${columns} FROM connector WHERE tenant_id = $1 AND id = $2`, [
    tenantId,
    id,
  ]);
  return rows[0] === undefined ? null : connectorOf(rows[0]);
}

/** Connectors in the order of their making, from after `afterId` on. */
export async function listConnectors(
  sql: Sql,
  tenantId: string,
  page: { afterId: string | null; limit: number },
): Promise<StoredConnector[]> {
  const rows = await sql.query<Row>(
    `SELECT ${columns} FROM connector WHERE tenant_id = $1 AND ($2::uuid IS NULL OR id > $2) ORDER BY id LIMIT $3`,
    [tenantId, page.afterId, page.limit],
  );
  return rows.map(connectorOf);
}

/** How many connectors a tenant has. */
export async function countConnectors(sql: Sql, tenantId: string): Promise<number> {
  const [row] = await sql.query<{ count: number }>('SELECT count(*) AS count FROM connector WHERE tenant_id = $1', [
    tenantId,
  ]);
  return row?.count ?? 0;
}

/** How many things a CRM is still to be told. */
export async function pendingNews(sql: Sql, tenantId: string, ids: string[]): Promise<Map<string, number>> {
  const rows = await sql.query<{ id: string; count: number }>(
    `SELECT connector_id AS id, count(*) AS count FROM connector_change WHERE tenant_id = $1 AND connector_id = ANY ($2::uuid[]) GROUP BY 1`,
    [tenantId, ids],
  );
  return new Map(rows.map((row) => [row.id, row.count]));
}

/** Forgets a connector with its secret and what it was still to tell. Its records stay. False where there is none. */
export async function deleteConnector(sql: Sql, tenantId: string, id: string): Promise<boolean> {
  return (await sql.execute('DELETE FROM connector WHERE tenant_id = $1 AND id = $2', [tenantId, id])) > 0;
}

function onlyRow(rows: Row[]): StoredConnector {
  if (rows[0] === undefined) throw new Error('the connector has no row');
  return connectorOf(rows[0]);
}
