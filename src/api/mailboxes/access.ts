import type { ServerSettings } from '../../db/mailboxes';
import { connectionSentence } from '../../domain/connect-sentences';
import type { Language } from '../../domain/languages';
import type { ApiContext } from '../context';
import { connectionFailed } from '../problems';

/**
 * Logs in once, before anything is saved.
 * @returns the provider that the server showed itself to be, or null
 * @throws Problem 422 connection-failed with the code and its sentence
 */
export async function tryAccess(
  { probeMailbox }: ApiContext,
  access: { imap: ServerSettings; username: string; password: string; language: Language },
): Promise<string | null> {
  const { host, port, security, allowInvalidCertificate, ca } = access.imap;
  const { username, password } = access;
  const answer = await probeMailbox({ host, port, security, allowInvalidCertificate, ca, username, password });
  if (!answer.ok) throw connectionFailed(answer.code, connectionSentence(answer.code, host, access.language));
  return answer.provider;
}
