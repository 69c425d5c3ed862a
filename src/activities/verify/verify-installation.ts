import { brokenTenant } from '../../db/verify/tenant-checks';
import { allTenants, mailboxesById, nextMailboxes, type MailboxRef } from '../../db/verify/verified-mailboxes';
import { isProven, uncheckedFor, type VerifiedMailbox, type VerifiedTenant } from '../../domain/verify';
import type { VerifyContext, VerifyOptions } from './context';
import { twice } from './twice';
import { verifyMailbox } from './verify-mailbox';

/** What came of it: `unchecked` where nothing is wrong as far as could be seen. */
export interface Verified {
  verdict: 'holds' | 'broken' | 'unchecked';
  mailboxes: VerifiedMailbox[];
  tenants: VerifiedTenant[];
}

/** Hears of each mailbox and tenant when it has been looked at. */
export interface Listener {
  mailbox(mailbox: VerifiedMailbox): void;
  tenant(tenant: VerifiedTenant): void;
}

const mailboxesPerPage = 500;

/** Checks these mailboxes, or all (null), one after the other, and then their tenants. Writes nothing. */
export async function verifyInstallation(
  context: VerifyContext,
  { mailboxIds, options }: { mailboxIds: string[] | null; options: VerifyOptions },
  tell: Listener,
): Promise<Verified> {
  const mailboxes: VerifiedMailbox[] = [];
  const tenantIds = new Set(mailboxIds === null ? await allTenants(context.db) : []);
  for await (const ref of mailboxesOf(context, mailboxIds)) {
    options.signal.throwIfAborted();
    const mailbox = await verifyMailbox(context, ref, options);
    // One that was deleted since it was listed is nobody's question.
    if (mailboxIds === null && mailbox.unchecked?.code === 'no-such-mailbox') continue;
    mailboxes.push(mailbox);
    tell.mailbox(mailbox);
    tenantIds.add(ref.tenantId);
  }
  const found = new Set(mailboxes.map(({ mailboxId }) => mailboxId));
  for (const mailboxId of (mailboxIds ?? []).filter((id) => !found.has(id))) {
    const unknown = unknownMailbox(mailboxId);
    mailboxes.push(unknown);
    tell.mailbox(unknown);
  }
  const tenants: VerifiedTenant[] = [];
  for (const tenantId of [...tenantIds].sort()) {
    options.signal.throwIfAborted();
    const tenant = { tenantId, violations: await twice(options, () => brokenTenant(context.db, tenantId)) };
    tenants.push(tenant);
    tell.tenant(tenant);
  }
  return { verdict: verdictOf(mailboxes, tenants), mailboxes, tenants };
}

async function* mailboxesOf({ db }: VerifyContext, mailboxIds: string[] | null): AsyncGenerator<MailboxRef> {
  if (mailboxIds !== null) {
    yield* await mailboxesById(db, mailboxIds);
    return;
  }
  let page: MailboxRef[];
  let after: string | null = null;
  do {
    page = await nextMailboxes(db, { after, limit: mailboxesPerPage });
    yield* page;
    after = page.at(-1)?.mailboxId ?? null;
  } while (page.length === mailboxesPerPage);
}

function unknownMailbox(mailboxId: string): VerifiedMailbox {
  const nothing = { folders: [], violations: [], compared: { kept: 0, server: 0 }, isAtRest: false };
  return { mailboxId, tenantId: null, ...nothing, unchecked: uncheckedFor('no-such-mailbox') };
}

function verdictOf(mailboxes: VerifiedMailbox[], tenants: VerifiedTenant[]): Verified['verdict'] {
  if ([...mailboxes, ...tenants].some(({ violations }) => violations.length > 0)) return 'broken';
  return mailboxes.every(isProven) ? 'holds' : 'unchecked';
}
