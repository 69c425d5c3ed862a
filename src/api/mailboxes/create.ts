import { sqlStateOf } from '../../db/database-error';
import { insertAudit, insertMailbox, type NewMailbox } from '../../db/mailbox-write';
import { findMailbox, mailboxIdByAddress, type Mailbox, type ServerSettings } from '../../db/mailboxes';
import { newUuid } from '../../db/new-id';
import { normaliseAddress } from '../../domain/address';
import { publicId } from '../../domain/ids';
import { presetFor } from '../../domain/provider-presets';
import type { ApiContext } from '../context';
import { authNotAvailable, internalError, invalidField, mailboxExists } from '../problems';
import type { Viewer } from '../viewer';
import { actorOf } from '../viewer';
import { tryAccess } from './access';
import { checkPeople } from './people';
import { checkedPolicy } from './policy-check';
import type { NewMailboxBody } from './schemas';
import { tellEngine } from './tell-engine';

/** Connects a mailbox: everything is checked, the connection tried, the wish written; then the engine is told. */
export async function createMailbox(context: ApiContext, viewer: Viewer, body: NewMailboxBody): Promise<Mailbox> {
  const wanted = wantedMailbox(viewer, body, context.now());
  await context.db.inTenant(viewer.tenantId, async (sql) => {
    const existing = await mailboxIdByAddress(sql, viewer.tenantId, wanted.addressKey);
    if (existing !== null) throw mailboxExists(publicId('mailbox', existing));
    await checkPeople(sql, viewer, wanted);
  });
  const provider = (await tryAccess(context, wanted)) ?? wanted.provider;
  const { password, ...rest } = wanted;
  const mailbox = await write(context, viewer, { ...rest, provider, secret: context.secretBox.seal(password) });
  await tellEngine(context, mailbox.id, () =>
    context.temporal.startMailbox({
      tenantId: viewer.tenantId,
      mailboxId: mailbox.id,
      fence: { epoch: mailbox.epoch, generation: mailbox.generation },
      desired: 'running',
      provider: mailbox.provider,
    }),
  );
  return mailbox;
}

type WantedMailbox = Omit<NewMailbox, 'secret'> & { password: string };

/** What a body comes to, with presets and defaults filled in. Throws Problem for what cannot be had. */
function wantedMailbox(viewer: Viewer, body: NewMailboxBody, now: Date): WantedMailbox {
  if (body.auth.type !== 'password') throw authNotAvailable();
  const { imap, provider } = reachedThrough(body);
  return {
    id: newUuid(),
    address: body.address.trim(),
    addressKey: addressKeyOf(body.address),
    displayName: body.displayName ?? null,
    provider,
    imap,
    smtp: body.smtp ?? null,
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

function reachedThrough(body: NewMailboxBody): { imap: ServerSettings; provider: string } {
  const preset = presetFor(body.address);
  if (body.imap !== undefined) return { imap: body.imap, provider: preset?.provider ?? 'other' };
  if (preset === null) {
    throw invalidField(
      'imap',
      'is missing, and the provider of this address is not known.',
      'Give {host, port, security}; the provider’s help pages have them.',
    );
  }
  return { imap: { allowInvalidCertificate: false, ca: null, ...preset.imap }, provider: preset.provider };
}

async function write(context: ApiContext, viewer: Viewer, mailbox: NewMailbox): Promise<Mailbox> {
  const { tenantId } = viewer;
  try {
    return await context.db.inTenant(tenantId, async (sql) => {
      await insertMailbox(sql, tenantId, mailbox);
      const ids = { mailboxId: publicId('mailbox', mailbox.id) };
      await insertAudit(sql, tenantId, { actor: actorOf(viewer), action: 'mailbox connected', ids });
      const written = await findMailbox(sql, { tenantId, userId: null }, mailbox.id);
      if (written === null) throw internalError();
      return written;
    });
  } catch (error) {
    // 23505 unique_violation: somebody connected the address while this one was tried.
    if (sqlStateOf(error) !== '23505') throw error;
    const existing = await context.db.inTenant(tenantId, (sql) =>
      mailboxIdByAddress(sql, tenantId, mailbox.addressKey),
    );
    throw existing === null ? error : mailboxExists(publicId('mailbox', existing));
  }
}
