import { tooManyAtOnce } from './problems';

/** Lets in so many of a tenant's requests at the same time. Counted in this process. */
export interface TenantGate {
  /** Runs `work`, or throws Problem 429 at once where the tenant has as many under way as it may. */
  run<T>(tenantId: string, work: () => Promise<T>): Promise<T>;
}

/** The gates of calls that make this machine connect to others. */
export interface Gates {
  /** Searching for the server of a domain. */
  lookups: TenantGate;
  /** Looking into a mailbox that is not connected. */
  previews: TenantGate;
}

/** Builds the gates from their limits. */
export function createGates(limits: { lookupsAtOnce: number; previewsAtOnce: number }): Gates {
  return { lookups: createTenantGate(limits.lookupsAtOnce), previews: createTenantGate(limits.previewsAtOnce) };
}

function createTenantGate(atOnce: number): TenantGate {
  const underWay = new Map<string, number>();
  const change = (tenantId: string, by: 1 | -1): void => {
    const count = (underWay.get(tenantId) ?? 0) + by;
    if (count === 0) underWay.delete(tenantId);
    else underWay.set(tenantId, count);
  };
  return {
    run: async (tenantId, work) => {
      if ((underWay.get(tenantId) ?? 0) >= atOnce) throw tooManyAtOnce(atOnce);
      change(tenantId, 1);
      try {
        return await work();
      } finally {
        change(tenantId, -1);
      }
    },
  };
}
