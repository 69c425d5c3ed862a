import type { Sql } from '../../db/database';
import { sqlStateOf } from '../../db/database-error';
import { openDeletionId } from '../../db/deletion/deletions';
import { insertAudit, insertMailbox, type NewMailbox } from '../../db/mailbox-write';
import { findMailbox, mailboxIdByAddress, type Mailbox } from '../../db/mailboxes';
import { newUuid } from '../../db/new-id';
import { rematchOfMailbox } from '../../db/own-domains';
import type { QueuedRematch } from '../../db/records-rematch';
import { lockTenantForWriting } from '../../db/tenant-lock';
import { normaliseAddress } from '../../domain/address';
import { publicId } from '../../domain/ids';
import type { Language } from '../../domain/languages';
import { presetAt } from '../../domain/provider-presets';
import type { ApiContext } from '../context';
import { mailboxDeleting } from '../deletions/refusals';
import { carryOutRematch } from '../records/carry-out-rematch';
import type { Problem } from '../problem';
import { authNotAvailable, internalError, mailboxExists } from '../problems';
import type { Viewer } from '../viewer';
import { actorOf } from '../viewer';
import { tryAccess } from './access';
import { checkPeople, readerOf } from './people';
import { checkNamedTypes, checkedPolicy } from './policy-check';
import type { NewMailboxBody } from './schemas';
import { chosenServer, type ChosenServer } from './server-choice';
import { tellEngine } from './tell-engine';

/** Connects a mailbox: everything is checked, the connection tried, the wish written; then the engine is told. */
export async function createMailbox(
  context: ApiContext,
  viewer: Viewer,
  { body, language }: { body: NewMailboxBody; language: Language },
): Promise<Mailbox> {
  const wanted = wantedMailbox(viewer, body, context.now());
  await context.db.inTenant(viewer.tenantId, async (sql) => {
    const existing = await mailboxIdByAddress(sql, viewer.tenantId, wanted.addressKey);
    if (existing !== null) throw await taken(sql, viewer, existing);
    await checkPeople(sql, viewer, wanted);
    await checkNamedTypes(sql, viewer.tenantId, wanted.policy);
  });
  const server = await chosenServer(context, { tenantId: viewer.tenantId, language }, body);
  const shown = await tryAccess(context, { ...wanted, imap: server.imap, language });
  // One host may serve several: Gmail and Google Workspace, Outlook.com and Microsoft 365.
  const provider = shown === null ? server.provider : (presetAt(server.imap.host, wanted.address)?.provider ?? shown);
  const { password, ...rest } = wanted;
  const secret = context.secretBox.seal(password);
  const { mailbox, rematch } = await write(context, viewer, { ...rest, ...server, provider, secret });
  await tellEngine(context, mailbox.id, () =>
    context.temporal.startMailbox({
      tenantId: viewer.tenantId,
      mailboxId: mailbox.id,
      fence: { epoch: mailbox.epoch, generation: mailbox.generation },
      desired: 'running',
      provider: mailbox.provider,
    }),
  );
  await carryOutRematch(context, viewer.tenantId, rematch);
  return mailbox;
}

type WantedMailbox = Omit<NewMailbox, 'secret' | keyof ChosenServer> & { password: string };

/** What a body comes to, with defaults filled in, but for its servers. Throws Problem for what cannot be had. */
function wantedMailbox(viewer: Viewer, body: NewMailboxBody, now: Date): WantedMailbox {
  if (body.auth.type !== 'password') throw authNotAvailable();
  return {
    id: newUuid(),
    address: body.address.trim(),
    addressKey: addressKeyOf(body.address),
    displayName: body.displayName ?? null,
    username: body.auth.username ?? body.address.trim(),
    password: body.auth.password,
    policy: checkedPolicy(null, body.policy ?? {}, now),
    ownerUserId: body.ownerUserId === undefined ? viewer.userId : body.ownerUserId,
    memberUserIds: body.memberUserIds ?? [],
    actor: actorOf(viewer),
  };
}

function addressKeyOf(address: string): string {
  const key = normaliseAddress(address);
  if (key === null) throw new RangeError('the schema let in an address that has no normal form');
  return key;
}

interface Written {
  mailbox: Mailbox;
  /** Links stored mail that others received for the mailbox, with a number before its address. */
  rematch: QueuedRematch | null;
}

async function write(context: ApiContext, viewer: Viewer, mailbox: NewMailbox): Promise<Written> {
  const { tenantId } = viewer;
  try {
    return await context.db.inTenant(tenantId, async (sql) => {
      await lockTenantForWriting(sql, tenantId);
      await insertMailbox(sql, tenantId, mailbox);
      const ids = { mailboxId: publicId('mailbox', mailbox.id) };
      await insertAudit(sql, tenantId, { actor: actorOf(viewer), action: 'mailbox connected', ids });
      const written = await findMailbox(sql, { tenantId, userId: null }, mailbox.id);
      if (written === null) throw internalError();
      return { mailbox: written, rematch: await rematchOfMailbox(sql, tenantId, mailbox.addressKey) };
    });
  } catch (error) {
    // 23505 unique_violation: somebody connected the address while this one was tried.
    if (sqlStateOf(error) !== '23505') throw error;
    throw await context.db.inTenant(tenantId, async (sql) => {
      const existing = await mailboxIdByAddress(sql, tenantId, mailbox.addressKey);
      return existing === null ? error : taken(sql, viewer, existing);
    });
  }
}

/** An address is free again when its deletion is done, not before. Whose mailbox it is, is told to those who may see it. */
async function taken(sql: Sql, viewer: Viewer, mailboxId: string): Promise<Problem> {
  const { tenantId } = viewer;
  if ((await findMailbox(sql, readerOf(viewer), mailboxId)) === null) return mailboxExists(null);
  const deletionId = await openDeletionId(sql, tenantId, mailboxId);
  return deletionId === null
    ? mailboxExists(publicId('mailbox', mailboxId))
    : mailboxDeleting(publicId('deletion', deletionId));
}
