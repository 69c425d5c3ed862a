import type { ChildTable } from './catalogue';

/** A table of which rows go in a statement with others: those whose column names a row of the query `of`. */
export type Part = ChildTable & { of: string };

/**
 * The deletions of a statement whose $1 is the tenant, each a query of its own. The names come from the catalogue. ARRAY(...) is asked once, and
 * its ids are looked up in the order of the index.
 */
export function deletionOf(parts: Part[]): string {
  return parts
    .map(
      ({ name, column, of }, n) =>
        `gone_${String(n)} AS (DELETE FROM "${name}" WHERE tenant_id = $1 AND "${column}" = ANY (ARRAY(SELECT id FROM ${of})) RETURNING 1)`,
    )
    .join(', ');
}

/** How many rows each of them deleted, in their order, as a JSON array. */
export function countOf(parts: Part[]): string {
  return `jsonb_build_array(${parts.map((_, n) => `(SELECT count(*) FROM gone_${String(n)})`).join(', ')})`;
}
