import type { Sql } from './database';
import { insertRows } from './insert-rows';
import type { RecordCandidate, RecordRefusal } from './records-check';
import { isPublicMailDomain } from '../domain/public-mail-domains/public-mail-domains';

/** What stands against the domains of a record: only companies have domains, and those at which anybody can have an address say nothing. */
export function domainRefusals({ type, domains }: RecordCandidate['values']): RecordRefusal[] {
  const anybodys = domains.find(isPublicMailDomain);
  return [
    ...(domains.length > 0 && type !== 'company' ? [{ kind: 'domains-of-no-company' } as const] : []),
    ...(anybodys === undefined ? [] : [{ kind: 'public-mail-domain', domain: anybodys } as const]),
  ];
}

/** Writes the domains of these records, which have none yet; where none is given nobody asks. */
export async function insertDomains(sql: Sql, tenantId: string, records: RecordCandidate[]): Promise<void> {
  const rows = records.flatMap(({ id, values }) =>
    values.domains.map((domain) => ({ tenant_id: tenantId, record_id: id, domain })),
  );
  await insertRows(
    sql,
    { table: 'record_domain', columns: { tenant_id: 'uuid', record_id: 'uuid', domain: 'text' } },
    rows,
  );
}

/** Writes the domains of these records in place of those they have. */
export async function replaceDomains(sql: Sql, tenantId: string, records: RecordCandidate[]): Promise<void> {
  if (records.length === 0) return;
  await sql.execute('DELETE FROM record_domain WHERE tenant_id = $1 AND record_id = ANY ($2::uuid[])', [
    tenantId,
    records.map(({ id }) => id),
  ]);
  await insertDomains(sql, tenantId, records);
}

/** Domains as a rematch takes them. */
export function domainKeys(domains: string[]): string[] {
  return domains.map((domain) => `@${domain}`);
}
