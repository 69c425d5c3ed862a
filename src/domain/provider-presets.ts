import { domainOf, normaliseAddress } from './address';
import { germanPresets } from './providers/german';
import type { ProviderPreset } from './providers/preset';
import { worldwidePresets } from './providers/worldwide';

export type { ProviderPreset, ServerAddress } from './providers/preset';

/** Every provider that is known, in the order in which domains are looked for. */
export const providerPresets: readonly ProviderPreset[] = [...worldwidePresets, ...germanPresets];

/** `com`, a country, or `co.uk`, `com.au`. */
const countryEnding = /^(?:com|[a-z]{2}|com?\.[a-z]{2})$/;

/** The preset for a mail address, as a person has typed it, by its domain; null where the domain is nobody's that is known. */
export function presetFor(address: string): ProviderPreset | null {
  const domain = domainOf(normaliseAddress(address) ?? address.toLowerCase());
  return providerPresets.find(({ domains }) => domains.some((pattern) => isOfPattern(domain, pattern))) ?? null;
}

/**
 * The preset of the provider that takes a domain's mail, by the names of its MX hosts, best first (RFC 5321 5.1): a domain whose
 * first host is a filter's and whose second is a provider's is the provider's. Null where none is known.
 */
export function presetOfMx(hosts: readonly string[]): ProviderPreset | null {
  for (const host of hosts) {
    const name = host.toLowerCase().replace(/\.$/, '');
    const found = suffixes.find(({ suffix }) => name === suffix || name.endsWith(`.${suffix}`));
    if (found !== undefined) return found.preset;
  }
  return null;
}

/** Longest first, so that `mx-aol.mail.gm0.yahoodns.net` is AOL's and not Yahoo's. */
const suffixes = providerPresets
  .flatMap((preset) => preset.mxSuffixes.map((suffix) => ({ suffix, preset })))
  .sort((a, b) => b.suffix.length - a.suffix.length);

/**
 * The preset of an account by its IMAP host. Of several with one host it is the one that has the address's domain, else the one for
 * customers' own domains: imap.gmail.com is Gmail's for gmail.com, and Google Workspace's for everybody else. Null where none is known.
 */
export function presetAt(host: string, address: string): ProviderPreset | null {
  const there = presetsAt(host);
  const own = presetFor(address);
  if (own !== null && there.includes(own)) return own;
  return there.find(({ domains }) => domains.length === 0) ?? there[0] ?? null;
}

/** The provider that runs an IMAP host; null where it is none of the known ones. */
export function providerOfHost(host: string): string | null {
  return presetOfHost(host)?.provider ?? null;
}

/** The first preset whose IMAP server this is; null where it is none of the known ones. */
export function presetOfHost(host: string): ProviderPreset | null {
  return presetsAt(host)[0] ?? null;
}

function presetsAt(host: string): ProviderPreset[] {
  const name = host.toLowerCase().replace(/\.$/, '');
  return providerPresets.filter(({ imap }) => imap.host === name);
}

function isOfPattern(domain: string, pattern: string): boolean {
  if (!pattern.endsWith('.*')) return domain === pattern;
  const stem = pattern.slice(0, -1);
  return domain.startsWith(stem) && countryEnding.test(domain.slice(stem.length));
}
