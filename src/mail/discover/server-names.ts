import type { ServerAddress } from '../../domain/provider-presets';
import type { DnsQuestions, SrvRecord } from './dns-answers';

/** Labels of letters, digits and hyphens (RFC 1123 2.1), at least two, the last one no number: the DNS may say anything. */
const hostName = /^(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** The name as it is compared and shown; null for what is no name of a host. */
export function hostNameOf(text: string): string | null {
  const name = text.toLowerCase().replace(/\.$/, '');
  return hostName.test(name) ? name : null;
}

/**
 * The servers that a domain names by SRV records, best first: `_imaps` and `_imap` (RFC 6186 3.2), `_submissions` (RFC 8314 5.1) and
 * `_submission`. TLS from the start comes before STARTTLS (RFC 8314 3). A service with the target `.` is not offered.
 */
export async function serversBySrv(
  dns: DnsQuestions,
  domain: string,
): Promise<{ imap: ServerAddress[]; smtp: ServerAddress[] }> {
  const [imaps, imap, submissions, submission] = await Promise.all(
    ['_imaps', '_imap', '_submissions', '_submission'].map((service) => dns.srvOf(`${service}._tcp.${domain}`)),
  );
  return {
    imap: [...serversOf(imaps ?? [], 'tls'), ...serversOf(imap ?? [], 'starttls')],
    smtp: [...serversOf(submissions ?? [], 'tls'), ...serversOf(submission ?? [], 'starttls')],
  };
}

function serversOf(records: readonly SrvRecord[], security: ServerAddress['security']): ServerAddress[] {
  return records.flatMap(({ name, port }) => {
    const host = hostNameOf(name);
    return host === null || port < 1 ? [] : [{ host, port, security }];
  });
}

/** Where a domain's IMAP server usually is, likeliest first. */
export function usualServers(domain: string): ServerAddress[] {
  const hosts = [`imap.${domain}`, `mail.${domain}`, domain].filter((host) => hostNameOf(host) !== null);
  return [
    ...hosts.map((host) => ({ host, port: 993, security: 'tls' as const })),
    ...hosts.map((host) => ({ host, port: 143, security: 'starttls' as const })),
  ];
}
