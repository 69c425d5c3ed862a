import { recentImportRate } from '../../db/import-rate';
import { connectionSentence } from '../../domain/connect-sentences';
import type { Language } from '../../domain/languages';
import { benchmarkRate, type ImportRate } from '../../domain/preview';
import { presetAt } from '../../domain/provider-presets';
import type { Api, ApiContext } from '../context';
import { languageFor } from '../language';
import { authNotAvailable, connectionFailed } from '../problems';
import type { Viewer } from '../viewer';
import { checkNamedTypes, checkedPolicy } from './policy-check';
import { refusePop3 } from './pop3';
import { presentPreview } from './preview-presenter';
import { previewSchema, type PreviewBody } from './preview-schemas';
import { newMailboxSchema, type NewMailboxBody } from './schemas';
import { chosenServer } from './server-choice';

/** /v1/mailboxes/preview: the dry look. */
export function previewRoutes(api: Api, context: ApiContext): void {
  api.post(
    '/v1/mailboxes/preview',
    {
      preValidation: refusePop3,
      schema: {
        tags: ['mailboxes'],
        summary: 'Look into a mailbox before it is connected; nothing is saved',
        body: newMailboxSchema,
        response: { 200: previewSchema },
      },
    },
    (request, reply) => {
      const { viewer, body } = request;
      const language = languageFor(request, reply);
      return context.gates.previews.run(viewer.tenantId, () => previewed(context, viewer, { body, language }));
    },
  );
}

async function previewed(
  context: ApiContext,
  { tenantId }: Viewer,
  { body, language }: { body: NewMailboxBody; language: Language },
): Promise<PreviewBody> {
  const { auth, address } = body;
  if (auth.type !== 'password') throw authNotAvailable();
  const policy = checkedPolicy(null, body.policy ?? {}, context.now());
  await context.db.inTenant(tenantId, (sql) => checkNamedTypes(sql, tenantId, policy));
  const server = await chosenServer(context, { tenantId, language }, body);
  const { host, port, security } = server.imap;
  const access = { ...server.imap, username: auth.username ?? address.trim(), password: auth.password };
  const answer = await context.previewMailbox(access, policy);
  if (!answer.ok) throw connectionFailed(answer.code, connectionSentence(answer.code, host, language));
  const preset = presetAt(host, address);
  const seen = {
    look: answer.look,
    start: policy.start,
    rate: await rateOf(context, tenantId),
    dailyDownloadBytes: preset?.dailyDownloadBytes ?? null,
    maxFolders: context.limits.maxFolders,
    language,
  };
  return { provider: preset?.provider ?? server.provider, imap: { host, port, security }, ...presentPreview(seen) };
}

async function rateOf({ db }: ApiContext, tenantId: string): Promise<ImportRate> {
  const messagesPerSecond = await db.inTenant(tenantId, (sql) => recentImportRate(sql, tenantId));
  if (messagesPerSecond === null || messagesPerSecond <= 0) return benchmarkRate;
  return { messagesPerSecond, bytesPerSecond: null, basis: 'own-imports' };
}
