import { Resolver } from 'node:dns/promises';

/** A record of a service (RFC 2782). */
export interface SrvRecord {
  name: string;
  port: number;
  priority: number;
  weight: number;
}

/** What is asked of the DNS. An answer that is not there, and one that does not come, are both an empty list: nothing is known then. */
export interface DnsQuestions {
  /** Names of the hosts that take a domain's mail, best first. */
  mxOf(domain: string): Promise<string[]>;
  srvOf(service: string): Promise<SrvRecord[]>;
  /** A and AAAA of a host. */
  addressesOf(host: string): Promise<{ address: string }[]>;
}

/** More records than a domain has for a purpose are somebody's joke. */
const mostRecords = 20;

export interface DnsOptions {
  /** One question to one server. */
  timeoutMs: number;
  /** `address:port` of the servers; the system's where absent. */
  servers?: readonly string[];
}

/** Asks the DNS servers. */
export function dnsQuestions({ timeoutMs, servers }: DnsOptions): DnsQuestions {
  const resolver = new Resolver({ timeout: timeoutMs, tries: 1 });
  if (servers !== undefined) resolver.setServers(servers);
  return {
    mxOf: async (domain) => {
      const records = await resolver.resolveMx(domain).catch(() => []);
      const best = records.sort((a, b) => a.priority - b.priority).slice(0, mostRecords);
      return best.map(({ exchange }) => exchange);
    },
    srvOf: async (service) => {
      const records = await resolver.resolveSrv(service).catch(() => []);
      // RFC 2782 draws by weight among equals; here the heaviest is taken, because a person is to see the same answer twice.
      const best = records.sort((a, b) => a.priority - b.priority || b.weight - a.weight);
      return best.slice(0, mostRecords);
    },
    addressesOf: async (host) => {
      const found = await Promise.all([
        resolver.resolve4(host).catch(() => []),
        resolver.resolve6(host).catch(() => []),
      ]);
      // All of them: one that may not be connected to refuses the host.
      return found.flat().map((address) => ({ address }));
    },
  };
}
