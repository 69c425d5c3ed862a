import type { ProviderPreset, ServerAddress } from './provider-presets';

/**
 * What was found out about a domain that no preset names. None of it gets a password before a person has confirmed it: `mx` rests on an
 * answer of the DNS, which chose the provider though not its host; `srv` and `guess` are hosts that the DNS named.
 */
export type Discovery =
  | { source: 'mx'; preset: ProviderPreset }
  | { source: 'srv' | 'guess'; imap: ServerAddress; smtp: ServerAddress | null };
