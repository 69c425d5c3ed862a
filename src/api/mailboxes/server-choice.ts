import type { ServerSettings } from '../../db/mailboxes';
import { normaliseAddress } from '../../domain/address';
import { foundSentence } from '../../domain/connect-sentences';
import type { Discovery } from '../../domain/discovery';
import type { Language } from '../../domain/languages';
import { presetFor, type ServerAddress } from '../../domain/provider-presets';
import type { ApiContext } from '../context';
import type { ServerSuggestion } from '../problem';
import { invalidField, serverNotConfirmed } from '../problems';
import type { NewMailboxBody } from './schemas';

/** The servers of a new mailbox, and where they come from. */
export interface ChosenServer {
  imap: ServerSettings;
  smtp: ServerSettings | null;
  provider: string;
}

/**
 * The servers that a body names, or that the preset of its address knows. Nothing that was only found is taken: an answer of the DNS
 * can be forged, and mail of a domain may be taken in by others than those who keep it, so the password would go to the wrong place.
 * @throws Problem 422 server-not-confirmed with what was found, 400 where nothing was, 429 where too many searches are under way
 */
export async function chosenServer(
  context: ApiContext,
  { tenantId, language }: { tenantId: string; language: Language },
  { address, imap, smtp }: Pick<NewMailboxBody, 'address' | 'imap' | 'smtp'>,
): Promise<ChosenServer> {
  const preset = presetFor(address);
  if (imap !== undefined) return { imap, smtp: smtp ?? null, provider: preset?.provider ?? 'other' };
  if (preset !== null) {
    const known = { imap: settingsOf(preset.imap), provider: preset.provider };
    return { ...known, smtp: smtp === undefined ? settingsOf(preset.smtp) : smtp };
  }
  const found = await foundServer(context, tenantId, address);
  if (found !== null) throw serverNotConfirmed(suggestionOf(found), foundSentence(found.source, language));
  throw invalidField(
    'imap',
    'is missing, and the server of this address could not be found.',
    'Give {host, port, security}; the provider’s help pages have them.',
  );
}

/** What is found for the domain of an address that no preset has; so many of a tenant at the same time. */
export function foundServer(context: ApiContext, tenantId: string, address: string): Promise<Discovery | null> {
  const key = normaliseAddress(address) ?? '';
  const domain = key.slice(key.lastIndexOf('@') + 1);
  return context.gates.lookups.run(tenantId, () => context.discoverServer(domain));
}

function suggestionOf(found: Discovery): ServerSuggestion {
  const { source } = found;
  if (source !== 'mx') return { provider: 'other', imap: found.imap, smtp: found.smtp, source };
  const { provider, imap, smtp } = found.preset;
  return { provider, imap, smtp, source };
}

function settingsOf(server: ServerAddress): ServerSettings {
  return { allowInvalidCertificate: false, ca: null, ...server };
}
