import type { Sql } from './database';
import { newUuid } from './new-id';
import { nextPrincipal } from './principals';

/** People of the tenant who may see the same records. Ids are UUIDs. */
export interface Team {
  id: string;
  name: string;
  /** Users, each once, in order. */
  memberUserIds: string[];
  createdAt: Date;
}

export interface TeamValues {
  name: string;
  memberUserIds: string[];
}

const selectTeam = `
  SELECT t.id, t.name, t.created_at AS "createdAt",
    ARRAY(SELECT m.user_id FROM team_member m WHERE m.tenant_id = t.tenant_id AND m.team_id = t.id ORDER BY m.user_id) AS "memberUserIds"
  FROM team t`;

/** The team with this id, or null. */
export async function readTeam(sql: Sql, tenantId: string, teamId: string): Promise<Team | null> {
  const rows = await sql.query<Team>(`${selectTeam} WHERE t.tenant_id = $1 AND t.id = $2`, [tenantId, teamId]);
  return rows[0] ?? null;
}

/** Teams by id, oldest first, from after `afterId` on; of one user where that is named. */
export function listTeams(
  sql: Sql,
  tenantId: string,
  page: { memberUserId: string | null; afterId: string | null; limit: number },
): Promise<Team[]> {
  return sql.query<Team>(
    `${selectTeam} WHERE t.tenant_id = $1 AND ($2::uuid IS NULL OR t.id > $2) AND ($3::uuid IS NULL OR EXISTS (
       SELECT FROM team_member m WHERE m.tenant_id = $1 AND m.team_id = t.id AND m.user_id = $3))
     ORDER BY t.id LIMIT $4`,
    [tenantId, page.afterId, page.memberUserId, page.limit],
  );
}

/** Those of the ids that are teams of the tenant. */
export async function teamsAmong(sql: Sql, tenantId: string, ids: string[]): Promise<Set<string>> {
  if (ids.length === 0) return new Set();
  const rows = await sql.query<{ id: string }>('SELECT id FROM team WHERE tenant_id = $1 AND id = ANY ($2::uuid[])', [
    tenantId,
    ids,
  ]);
  return new Set(rows.map((row) => row.id));
}

/** Writes a new team. Its members are users that exist. To be called under the tenant's lock. */
export async function createTeam(sql: Sql, tenantId: string, values: TeamValues): Promise<Team> {
  const id = newUuid();
  await sql.execute('INSERT INTO team (tenant_id, id, principal, name) VALUES ($1, $2, $3, $4)', [
    tenantId,
    id,
    await nextPrincipal(sql, tenantId),
    values.name,
  ]);
  await setMembers(sql, tenantId, { teamId: id, userIds: values.memberUserIds });
  return written(sql, tenantId, id);
}

/**
 * Writes all values of a team. Who leaves it reads nothing by it from the commit on, and who joins reads at once: what a team may read
 * stands under its own number. To be called under the tenant's lock.
 */
export async function updateTeam(sql: Sql, tenantId: string, team: TeamValues & { id: string }): Promise<Team> {
  await sql.execute('UPDATE team SET name = $3 WHERE tenant_id = $1 AND id = $2', [tenantId, team.id, team.name]);
  await setMembers(sql, tenantId, { teamId: team.id, userIds: team.memberUserIds });
  return written(sql, tenantId, team.id);
}

/** What became of removing a team. Records that only it and others may see must be given to others first. */
export type TeamRemoved = { kind: 'removed' } | { kind: 'in-use'; records: number } | { kind: 'not-found' };

/** Counts no further: whoever reads it knows that there are many. */
const mostCounted = 1_000;

/** Removes a team. To be called under the tenant's lock. Second run: `not-found`. */
export async function removeTeam(sql: Sql, tenantId: string, teamId: string): Promise<TeamRemoved> {
  const [team] = await sql.query<{ principal: number }>('SELECT principal FROM team WHERE tenant_id = $1 AND id = $2', [
    tenantId,
    teamId,
  ]);
  if (team === undefined) return { kind: 'not-found' };
  const shown = await sql.query(
    `SELECT FROM record_scope s JOIN record r ON r.tenant_id = $1 AND r.id = s.record_id AND r.restricted AND r.deleted_at IS NULL
     WHERE s.tenant_id = $1 AND s.principal = $2 LIMIT ${String(mostCounted)}`,
    [tenantId, team.principal],
  );
  if (shown.length > 0) return { kind: 'in-use', records: shown.length };
  await sql.execute('DELETE FROM record_scope WHERE tenant_id = $1 AND principal = $2', [tenantId, team.principal]);
  await sql.execute('DELETE FROM team WHERE tenant_id = $1 AND id = $2', [tenantId, teamId]);
  return { kind: 'removed' };
}

async function setMembers(sql: Sql, tenantId: string, of: { teamId: string; userIds: string[] }): Promise<void> {
  const values = [tenantId, of.teamId, of.userIds];
  await sql.execute(
    'DELETE FROM team_member WHERE tenant_id = $1 AND team_id = $2 AND user_id <> ALL ($3::uuid[])',
    values,
  );
  await sql.execute(
    `INSERT INTO team_member (tenant_id, team_id, user_id) SELECT $1, $2, u FROM unnest($3::uuid[]) u ORDER BY u
     ON CONFLICT DO NOTHING`,
    values,
  );
}

async function written(sql: Sql, tenantId: string, id: string): Promise<Team> {
  const team = await readTeam(sql, tenantId, id);
  if (team === null) throw new Error('the team was not written');
  return team;
}
