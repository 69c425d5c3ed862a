import type { FastifyRequest } from 'fastify';

import type { Sql } from '../../db/database';
import { insertAudit, updateMailbox, type MailboxChange } from '../../db/mailbox-write';
import { findMailbox, lockMailbox, type Mailbox } from '../../db/mailboxes';
import { keysInActivities } from '../../db/own-domains';
import { queueRematch, type QueuedRematch } from '../../db/records-rematch';
import { sourceKey } from '../../db/source-keys';
import { lockTenantForWriting } from '../../db/tenant-lock';
import { holdersOf, queueVisibility, type QueuedVisibility } from '../../db/visibility-job';
import { publicId } from '../../domain/ids';
import type { Language } from '../../domain/languages';
import type { Policy } from '../../domain/policy';
import { matchesOtherwise } from '../../domain/policy-effects';
import { presetFor } from '../../domain/provider-presets';
import { carryOutVisibility } from '../carry-out-visibility';
import type { ApiContext } from '../context';
import { refuseWhileDeleting } from '../deletions/refusals';
import { requireMatch, etagOf } from '../precondition';
import { internalError, invalidField, notFound } from '../problems';
import { carryOutRematch } from '../records/carry-out-rematch';
import { actorOf, type Viewer } from '../viewer';
import { tryAccess } from './access';
import { previewOfChange, type ChangePreview } from './change-preview';
import { checkPeople, readerOf, requireManager } from './people';
import { checkedPolicy, checkNamedTypes } from './policy-check';
import type { MailboxChangeBody } from './schemas';
import { tellEngine } from './tell-engine';
import { warningsFor } from './warnings';

/** A mailbox as it was changed, and the jobs that tell anew who may read its mail, and that match it again, where that was too much to be done at once. */
interface ChangedMailbox {
  mailbox: Mailbox;
  operationId: string | null;
  rematchOperationId: string | null;
}

/** Changes a mailbox: a new way to log in is tried first, then all is written at once, then the engine is told. */
export async function changeMailbox(
  context: ApiContext,
  request: FastifyRequest,
  wanted: Wanted,
): Promise<ChangedMailbox> {
  const { viewer } = request;
  const { policy, ownerUserId } = wanted.body;
  const find = policy === undefined && ownerUserId === undefined ? lockMailbox : lockWithTenant;
  const { mailbox, job, rematch } = await checked(context, { ...wanted, request, find }, (sql, change) =>
    write(sql, viewer, change),
  );
  const rematchOperationId = await carryOutRematch(context, viewer.tenantId, rematch);
  const operationId = await carryOutVisibility(context, viewer.tenantId, job);
  await tellOfChange(context, viewer, { mailbox, body: wanted.body });
  return { mailbox, operationId, rematchOperationId };
}

/** Another policy, or owner, may have stored mail matched again: that is told under the tenant's lock, which whoever records mail takes before its mailbox. */
async function lockWithTenant(...[sql, reader, id]: Parameters<typeof lockMailbox>): Promise<Mailbox | null> {
  await lockTenantForWriting(sql, reader.tenantId);
  return lockMailbox(sql, reader, id);
}

/** Says what the same change would do: all is checked and tried as if it were made. Nothing is written, and nobody who writes waits. */
export function previewChange(
  context: ApiContext,
  request: FastifyRequest,
  wanted: Wanted,
): Promise<{ mailbox: Mailbox; preview: ChangePreview }> {
  const { tenantId } = request.viewer;
  const { language, body } = wanted;
  return checked(context, { ...wanted, request, find: findMailbox }, async (sql, { mailbox, change }) => {
    const after = { ...mailbox, ...(change.access === undefined ? {} : { imap: change.access.imap }) };
    const warnings = warningsOfChange(context, after, body);
    const rematchedAtMost = context.limits.rematchAtOnceMessages;
    const preview = await previewOfChange(sql, tenantId, { mailbox, change, warnings, language, rematchedAtMost });
    return { mailbox, preview };
  });
}

/** What a person should know who has just changed this mailbox: only another server is reason for it. */
export function warningsOfChange(context: ApiContext, mailbox: Mailbox, { imap }: MailboxChangeBody): string[] {
  return imap === undefined ? [] : warningsFor(context, mailbox);
}

interface Wanted {
  id: string;
  body: MailboxChangeBody;
  language: Language;
}

/** A change that may be made, of a mailbox that is locked where it is made. */
interface CheckedChange {
  mailbox: Mailbox;
  change: MailboxChange;
}

async function checked<Answer>(
  context: ApiContext,
  { id, body, language, request, find }: Wanted & { request: FastifyRequest; find: typeof lockMailbox },
  then: (sql: Sql, change: CheckedChange) => Promise<Answer>,
): Promise<Answer> {
  const { viewer } = request;
  const present = await context.db.inTenant(viewer.tenantId, (sql) => findMailbox(sql, readerOf(viewer), id));
  const access = await triedAccess(context, changeable(present, request), { ...body, language });
  return context.db.inTenant(viewer.tenantId, async (sql) => {
    const mailbox = changeable(await find(sql, readerOf(viewer), id), request);
    await checkPeople(sql, viewer, body);
    const change = { ...changeOf(mailbox, body, context.now()), ...access };
    await checkNamedTypes(sql, viewer.tenantId, namedIn(body.policy, change.policy ?? mailbox.policy));
    return then(sql, { mailbox, change });
  });
}

/** What the body changes of the types that a policy names. */
function namedIn(given: MailboxChangeBody['policy'], { activity, matchTypes }: Policy) {
  return {
    ...(given?.activity === undefined ? {} : { activity }),
    ...(given?.matchTypes === undefined ? {} : { matchTypes }),
  };
}

/** The mailbox, where it may be changed by this request. Checked before the connection is tried, and again in the transaction that goes on. */
function changeable(mailbox: Mailbox | null, request: FastifyRequest): Mailbox {
  if (mailbox === null) throw notFound();
  requireManager(request.viewer, mailbox);
  refuseWhileDeleting(mailbox);
  requireMatch(request, etagOf(mailbox.updatedAt));
  return mailbox;
}

/** A password is only ever sent where it was given for: another host or name needs it again. */
async function triedAccess(
  context: ApiContext,
  present: Mailbox,
  { imap: newImap, auth, language }: MailboxChangeBody & { language: Language },
): Promise<Pick<MailboxChange, 'access'>> {
  if (newImap === undefined && auth === undefined) return {};
  if (auth?.password === undefined) {
    throw invalidField('auth.password', 'is missing.', 'Another server or user name needs the password again.');
  }
  const imap = newImap ?? present.imap;
  const username = auth.username ?? present.username;
  const shown = await tryAccess(context, { imap, username, password: auth.password, language });
  const provider =
    shown ?? (newImap === undefined ? present.provider : (presetFor(present.address)?.provider ?? 'other'));
  return { access: { imap, username, provider, secret: context.secretBox.seal(auth.password) } };
}

function changeOf(mailbox: Mailbox, body: MailboxChangeBody, now: Date): MailboxChange {
  const { displayName, smtp, ownerUserId, memberUserIds, policy } = body;
  return {
    ...(displayName === undefined ? {} : { displayName }),
    ...(smtp === undefined ? {} : { smtp }),
    ...(ownerUserId === undefined ? {} : { ownerUserId }),
    ...(memberUserIds === undefined ? {} : { memberUserIds }),
    ...(policy === undefined ? {} : { policy: checkedPolicy(mailbox.policy, policy, now) }),
  };
}

async function write(
  sql: Sql,
  viewer: Viewer,
  { mailbox, change }: CheckedChange,
): Promise<{ mailbox: Mailbox; job: QueuedVisibility | null; rematch: QueuedRematch | null }> {
  const { tenantId } = viewer;
  const holders = await holdersOf(sql, tenantId, mailbox.id);
  await updateMailbox(sql, tenantId, { ...change, mailboxId: mailbox.id, actor: actorOf(viewer) });
  const ids = { mailboxId: publicId('mailbox', mailbox.id) };
  await insertAudit(sql, tenantId, { actor: actorOf(viewer), action: 'mailbox changed', ids });
  const changed = await findMailbox(sql, { tenantId, userId: null }, mailbox.id);
  if (changed === null) throw internalError();
  const keys = [
    ...(matchesOtherwise(mailbox.policy, changed.policy) ? [sourceKey(mailbox.id)] : []),
    // Whose the address is now decides also of activities of mail that others received with it.
    ...(mailbox.ownerUserId === changed.ownerUserId ? [] : await keysInActivities(sql, tenantId, mailbox.address)),
  ];
  const rematch = await queueRematch(sql, tenantId, keys);
  return { mailbox: changed, rematch, job: await queueReaders(sql, tenantId, { sourceId: mailbox.id, holders }) };
}

/** The job for a mailbox that had these holders; null where they are the same still. */
async function queueReaders(
  sql: Sql,
  tenantId: string,
  { sourceId, holders }: { sourceId: string; holders: string[] },
): Promise<QueuedVisibility | null> {
  const after = await holdersOf(sql, tenantId, sourceId);
  const narrowedUserIds = holders.filter((id) => !after.includes(id));
  if (narrowedUserIds.length === 0 && after.length === holders.length) return null;
  return queueVisibility(sql, tenantId, { mail: { of: 'source', sourceId }, narrowedUserIds });
}

async function tellOfChange(
  context: ApiContext,
  { tenantId }: Viewer,
  { mailbox, body }: { mailbox: Mailbox; body: MailboxChangeBody },
): Promise<void> {
  if (body.auth !== undefined || body.imap !== undefined) {
    const { epoch, generation, desired, provider } = mailbox;
    const toRun = { tenantId, mailboxId: mailbox.id, fence: { epoch, generation }, desired, provider };
    await tellEngine(context, mailbox.id, () => context.temporal.sendWish(toRun));
  } else if (body.policy !== undefined) {
    await tellEngine(context, mailbox.id, () => context.temporal.poke({ tenantId, mailboxId: mailbox.id }, 'policy'));
  }
}
