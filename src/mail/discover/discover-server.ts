import { domainToASCII } from 'node:url';

import type { Discovery } from '../../domain/discovery';
import { presetOfMx, type ServerAddress } from '../../domain/provider-presets';
import type { HostRules } from '../host-rules';
import { within } from '../session';
import type { DnsQuestions } from './dns-answers';
import { greetingOf, type Greeting, type GreetingOptions } from './greeting';
import { hostNameOf, serversBySrv, usualServers } from './server-names';

export interface DiscoverOptions {
  dns: DnsQuestions;
  hostRules: HostRules;
  /** The whole search. */
  timeoutMs: number;
  /** Servers that are tried at the same time. */
  triesAtOnce: number;
  /** Where a domain's server usually is, likeliest first. */
  usual?: (domain: string) => ServerAddress[];
  /** PEM of an authority that is believed instead of the known ones. */
  ca?: string;
}

/** So that one silent host leaves time for the others. */
const shareOfOneTry = 3;

/**
 * Looks for the IMAP server of a mail domain that no preset names: by its MX, which may be a known provider's; by SRV records
 * (RFC 6186); by usual names. Servers that the DNS names are only told when they greet as IMAP servers. No password is at hand here.
 * Null where nothing is found within the time. Throws nothing for what servers do.
 */
export async function discoverServer(domain: string, options: DiscoverOptions): Promise<Discovery | null> {
  const name = hostNameOf(domainToASCII(domain));
  if (name === null) return null;
  const stop = new AbortController();
  try {
    return await within(search(name, options, stop.signal), options.timeoutMs, undefined);
  } catch {
    return null;
  } finally {
    stop.abort();
  }
}

async function search(domain: string, options: DiscoverOptions, signal: AbortSignal): Promise<Discovery | null> {
  const bySrv = serversBySrv(options.dns, domain);
  const preset = presetOfMx(await options.dns.mxOf(domain));
  if (preset !== null) return { source: 'mx', preset };
  const named = await bySrv;
  const lookup = (host: string) => options.dns.addressesOf(host);
  const hostRules = { lookup, ...options.hostRules };
  const greeting: TryOptions = {
    ...options,
    hostRules,
    timeoutMs: Math.ceil(options.timeoutMs / shareOfOneTry),
    signal,
  };
  const imap = await firstThatGreets(named.imap, greeting);
  if (imap !== null) return { source: 'srv', imap, smtp: named.smtp[0] ?? null };
  const guessed = await firstThatGreets((options.usual ?? usualServers)(domain), greeting);
  return guessed === null ? null : { source: 'guess', imap: guessed, smtp: named.smtp[0] ?? null };
}

type TryOptions = GreetingOptions & { triesAtOnce: number };

/** The best that answers: all are tried, some at a time, and the order decides, not who is quickest. A good certificate comes before order. */
async function firstThatGreets(servers: readonly ServerAddress[], options: TryOptions): Promise<ServerAddress | null> {
  const tries = greetingsOf(servers, options);
  let secondBest: ServerAddress | null = null;
  for (const [index, server] of servers.entries()) {
    const greeting = await tries[index];
    if (greeting === 'good') return server;
    if (greeting === 'certificate-not-good') secondBest ??= server;
  }
  return secondBest;
}

/** Begins `triesAtOnce` tries, and each other one when one has ended. */
function greetingsOf(servers: readonly ServerAddress[], options: TryOptions): Promise<Greeting>[] {
  const running: Promise<unknown>[] = [];
  return servers.map((server, index) => {
    const before = running[index - options.triesAtOnce] ?? Promise.resolve();
    const greeting = before.then(() => (options.signal.aborted ? 'nothing' : greetingOf(server, options)));
    running.push(greeting);
    return greeting;
  });
}
