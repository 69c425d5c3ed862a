import { outcomes } from '../domain/ledger';
import type { Database, Sql } from './database';

/** Numbers over all tenants, for those who run the product. */
export interface RunningNumbers {
  mailboxesByState: { state: string; count: number }[];
  /** Placements whose bytes are stored but not decided, and the age of the oldest. */
  undecided: { count: number; oldestSeconds: number };
  parked: number;
  /** Events that readers cannot see yet, because an older transaction is still running. */
  outboxHeldBack: { count: number; oldestSeconds: number };
  /** Messages that search does not find yet. */
  searchPending: { count: number; oldestSeconds: number };
  /** Of mailboxes that should run: messages that the last audits missed, the age of the oldest proof, how many have none for 26 hours. */
  completeness: { missing: number; oldestProofSeconds: number; unproven: number };
  /** Seconds since the reconciler last wrote down a run, which is every five minutes at least; what its newest runs found; what it did within the last hour. */
  reconciler: { ageSeconds: number; stuck: number; idleQueues: number; started: number; ended: number };
}

const seconds = (oldest: string) => `coalesce(extract(epoch FROM now() - ${oldest}), 0)::float8`;

/** Reads them all at once; each is answered from an index or a small table. */
export function runningNumbers(db: Database): Promise<RunningNumbers> {
  return db.acrossTenants(async (sql) => {
    const mailboxesByState = await sql.query<{ state: string; count: number }>(
      'SELECT m.state, count(*) AS count FROM mailbox m GROUP BY m.state',
    );
    const count = async (text: string) =>
      (await sql.query<{ count: number; oldestSeconds: number }>(text))[0] ?? { count: 0, oldestSeconds: 0 };
    return {
      mailboxesByState,
      undecided: await count(
        `SELECT count(*) AS count, ${seconds('min(recorded_at)')} AS "oldestSeconds" FROM placement WHERE outcome = ${String(outcomes.stored)}`,
      ),
      // What somebody has accepted waits for nobody.
      parked: (
        await count(
          `SELECT count(*) AS count FROM placement p WHERE outcome = ${String(outcomes.parked)}
             AND NOT EXISTS (SELECT FROM failure x WHERE x.gen_id = p.gen_id AND x.uid = p.uid AND x.state = 'accepted')`,
        )
      ).count,
      outboxHeldBack: await count(
        `SELECT count(*) AS count, ${seconds('min(created_at)')} AS "oldestSeconds" FROM outbox
         WHERE xact >= pg_snapshot_xmin(pg_current_snapshot())`,
      ),
      completeness: await completenessNumbers(sql),
      reconciler: await reconcilerNumbers(sql),
      searchPending: await count(
        `SELECT count(*) AS count, ${seconds('min(added_at)')} AS "oldestSeconds" FROM search_pending`,
      ),
    };
  });
}

async function completenessNumbers(sql: Sql): Promise<RunningNumbers['completeness']> {
  const [numbers] = await sql.query<RunningNumbers['completeness']>(
    `WITH running AS (
       SELECT s.tenant_id, s.id, coalesce(m.last_proven_at, s.running_since) AS since
       FROM source s JOIN mailbox m ON m.tenant_id = s.tenant_id AND m.source_id = s.id
       WHERE s.kind = 'mailbox' AND s.deleted_at IS NULL AND s.desired_state = 'running')
     SELECT (SELECT coalesce(sum(a.undelivered_count + CASE WHEN a.reason = 'import-running' THEN 0 ELSE a.missing_count END), 0)::float8
               FROM folder_audit a JOIN running ON running.tenant_id = a.tenant_id AND running.id = a.source_id) AS missing,
       ${seconds('min(since)')} AS "oldestProofSeconds", count(*) FILTER (WHERE since < now() - interval '26 hours')::int AS unproven
     FROM running`,
  );
  return numbers ?? { missing: 0, oldestProofSeconds: 0, unproven: 0 };
}

async function reconcilerNumbers(sql: Sql): Promise<RunningNumbers['reconciler']> {
  const [numbers] = await sql.query<RunningNumbers['reconciler']>(
    `SELECT ${seconds('(SELECT max(finished_at) FROM reconciliation)')} AS "ageSeconds",
       coalesce(sum(stuck) FILTER (WHERE is_newest), 0)::int AS stuck,
       coalesce(max(cardinality(queues_without_workers)) FILTER (WHERE is_newest), 0)::int AS "idleQueues",
       coalesce(sum(started), 0)::int AS started, coalesce(sum(ended), 0)::int AS ended
     FROM (SELECT r.*, row_number() OVER (PARTITION BY tenant_id ORDER BY id DESC) = 1 AS is_newest FROM reconciliation r
           WHERE finished_at > now() - interval '1 hour') lately`,
  );
  return numbers ?? { ageSeconds: 0, stuck: 0, idleQueues: 0, started: 0, ended: 0 };
}
