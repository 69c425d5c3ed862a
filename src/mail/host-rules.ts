import { domainToASCII } from 'node:url';

import ipaddr from 'ipaddr.js';

import { MailFailure } from '../domain/failure';
import { createSharedLookup } from './shared-lookup';

/** An address that may be connected to, in plain spelling. */
export interface HostAddress {
  address: string;
  family: 4 | 6;
}

/** All addresses of a name. Throws as `dns.lookup` does (ENOTFOUND, EAI_AGAIN). */
export type HostLookup = (name: string) => Promise<readonly { address: string }[]>;

export interface HostRules {
  /** Networks (CIDR) or single addresses that may be connected to although they are not public, e.g. `127.0.0.0/8`. */
  allowedNetworks: readonly string[];
  /** The system's resolver where absent. */
  lookup?: HostLookup;
}

/** Azure's wire server answers with machine credentials on an address that is public by number. */
const namedMetadataHosts = new Set(['168.63.129.16']);

/** NAT64 for local use (RFC 8215): where the IPv4 address stands in it is the network's own choice. */
const localNat64 = ipaddr.parseCIDR('64:ff9b:1::/48');

/**
 * Resolves a host that a person typed, once, and checks every answer. What is connected to is the address that comes back,
 * never the name again, so an answer that changes between the check and the connection changes nothing.
 * One answer that may not be used refuses the host, so that a name cannot hide a private address among public ones.
 * `host` is a name or an IP literal in any spelling (`127.1`, `0x7f.1`, `2130706433`, `[::1]`). IPv4 comes first.
 * @throws MailFailure `refused` (`host-not-allowed`), `unreachable` (`host-not-found`)
 */
export async function resolveHost(host: string, rules: HostRules): Promise<[HostAddress, ...HostAddress[]]> {
  const answers = await addressesOf(host, rules.lookup ?? systemLookup);
  const allowed = rules.allowedNetworks.map(networkOf);
  const checked = answers.map(parseAddress).map((address) => {
    if (address === null || !mayConnect(address, allowed)) {
      throw new MailFailure('refused', 'connect', { code: 'host-not-allowed' });
    }
    return { address: address.toString(), family: address.kind() === 'ipv4' ? (4 as const) : (6 as const) };
  });
  const [first, ...others] = checked.sort((a, b) => a.family - b.family);
  if (first === undefined) throw new MailFailure('unreachable', 'connect', { code: 'host-not-found' });
  return [first, ...others];
}

/** The name that a certificate must carry, as TLS writes it; null for an IP literal, which has no SNI and is checked by address. */
export function tlsNameOf(host: string): string | null {
  const name = bareHost(host);
  return ipaddr.isValid(name) ? null : domainToASCII(name) || name;
}

async function addressesOf(host: string, find: HostLookup): Promise<readonly string[]> {
  const name = bareHost(host);
  if (ipaddr.isValid(name)) return [name];
  const ascii = domainToASCII(name);
  if (ascii === '') throw new MailFailure('unreachable', 'connect', { code: 'host-not-found' });
  try {
    const found = await find(ascii);
    return found.map(({ address }) => address);
  } catch {
    throw new MailFailure('unreachable', 'connect', { code: 'host-not-found' });
  }
}

function bareHost(host: string): string {
  return host
    .trim()
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/\.$/, '');
}

const systemLookup: HostLookup = createSharedLookup();

type Address = ipaddr.IPv4 | ipaddr.IPv6;

function networkOf(text: string): [Address, number] {
  if (ipaddr.isValidCIDR(text)) return ipaddr.parseCIDR(text);
  const address = ipaddr.parse(text);
  return [address, address.kind() === 'ipv4' ? 32 : 128];
}

/** A zone (`fe80::1%eth0`) names an interface of this machine, so it is never a mail host. */
function parseAddress(text: string): Address | null {
  return ipaddr.isValid(text) && !text.includes('%') ? ipaddr.process(text) : null;
}

function mayConnect(address: Address, allowed: readonly [Address, number][]): boolean {
  if (allowed.some(([network, bits]) => network.kind() === address.kind() && address.match(network, bits))) return true;
  if (address instanceof ipaddr.IPv4) return isPublicIpv4(address);
  if (address.match(localNat64)) return false;
  const inner = embeddedIpv4(address);
  return inner === null ? address.range() === 'unicast' : isPublicIpv4(inner);
}

function isPublicIpv4(address: ipaddr.IPv4): boolean {
  return address.range() === 'unicast' && !namedMetadataHosts.has(address.toString());
}

/** The IPv4 address that an IPv6 one leads to: IPv4-mapped (RFC 4291), NAT64 (RFC 6052), 6to4 (RFC 3056); null where it is none of these. */
function embeddedIpv4(address: ipaddr.IPv6): ipaddr.IPv4 | null {
  const bytes = address.toByteArray();
  const range = address.range();
  if (range === 'ipv4Mapped' || range === 'rfc6052') return new ipaddr.IPv4(bytes.slice(12));
  return range === '6to4' ? new ipaddr.IPv4(bytes.slice(2, 6)) : null;
}
