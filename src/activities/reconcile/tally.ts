/** What stood out: a mailbox, or a job that is of no single one. UUIDs. */
export type Found = { mailboxId: string } | { operationId: string } | { deletionId: string } | { connectorId: string };

/** What stood out, and what was done about it. */
export type Finding = Found & {
  reason: string;
  action: 'reminded' | 'restarted' | 'stopped';
};

/** What a run of the reconciler came to in one tenant. */
export interface Tally {
  desired: number;
  running: number;
  started: number;
  reminded: number;
  ended: number;
  stuck: number;
  findings: Finding[];
}

type Count = Exclude<keyof Tally, 'findings'>;

/** Counts by tenant. */
export interface Tallies {
  count(tenantId: string, what: Count): void;
  find(tenantId: string, finding: Finding): void;
  /** Each tenant that has been counted. */
  readonly byTenant: ReadonlyMap<string, Tally>;
  sum(what: Count): number;
}

const findingsKept = 100;

export function createTallies(): Tallies {
  const byTenant = new Map<string, Tally>();
  const of = (tenantId: string): Tally => {
    const tally = byTenant.get(tenantId) ?? {
      desired: 0,
      running: 0,
      started: 0,
      reminded: 0,
      ended: 0,
      stuck: 0,
      findings: [],
    };
    byTenant.set(tenantId, tally);
    return tally;
  };
  return {
    byTenant,
    count: (tenantId, what) => {
      of(tenantId)[what] += 1;
    },
    find: (tenantId, finding) => {
      const { findings } = of(tenantId);
      if (findings.length < findingsKept) findings.push(finding);
    },
    sum: (what) => [...byTenant.values()].reduce((sum, tally) => sum + tally[what], 0),
  };
}

/** A workflow whose task kept failing has been ended and is begun anew. */
export function foundFailing(tallies: Tallies, tenantId: string, found: Found): void {
  tallies.count(tenantId, 'stuck');
  tallies.find(tenantId, { ...found, reason: 'workflow-task-fails', action: 'restarted' });
}
