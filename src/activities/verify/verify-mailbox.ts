import { setTimeout as sleep } from 'node:timers/promises';

import { mailboxForSync, type MailboxForSync } from '../../db/sync/mailbox-for-sync';
import { brokenCopies } from '../../db/verify/copy-pages';
import { brokenRows } from '../../db/verify/ledger-checks';
import type { MailboxRef } from '../../db/verify/verified-mailboxes';
import { MailFailure } from '../../domain/failure';
import {
  foundAgain,
  uncheckedFor,
  type Unchecked,
  type VerifiedFolder,
  type VerifiedMailbox,
  type Violation,
} from '../../domain/verify';
import type { VerifyContext, VerifyOptions } from './context';
import { twice } from './twice';
import { verifyBytes, type BytesVerified } from './verify-bytes';
import { verifyFolders } from './verify-folders';

const copiesPerShare = 500;
/** Of each kind so many are told. */
const mostTold = 100;
const mostListed = 1_000;

/**
 * Checks everything that must hold of a mailbox, in the database and against its server, and writes nothing. It may live meanwhile: what is
 * wrong is looked for twice. Where its server cannot be asked, the rest is checked all the same.
 */
export async function verifyMailbox(
  context: VerifyContext,
  ref: MailboxRef,
  options: VerifyOptions,
): Promise<VerifiedMailbox> {
  const base = { ...ref, folders: [], violations: [], compared: { kept: 0, server: 0 }, isAtRest: false };
  const mailbox = await mailboxForSync(context.db, ref);
  if (mailbox === null) return { ...base, unchecked: uncheckedFor('no-such-mailbox') };
  const server = mailbox.desired === 'running' ? await ofServer(context, mailbox, options) : notAsked;
  const bytes = server.bytes ?? (await verifyBytes(context, { mailbox, options, server: null }));
  const rows = await twice(options, () => brokenRows(context.db, mailbox));
  const copies = await ofCopies(context, mailbox, options);
  const isAtRest = mailbox.desired !== 'running';
  const compared = { kept: bytes.kept, server: bytes.server };
  const now = await mailboxForSync(context.db, ref);
  if (now?.fence.generation !== mailbox.fence.generation || now.fence.epoch !== mailbox.fence.epoch) {
    return { ...base, compared, isAtRest, unchecked: uncheckedFor('changed-meanwhile') };
  }
  const violations = limited([...server.violations, ...bytes.violations, ...rows, ...copies.violations]);
  return {
    ...ref,
    folders: server.folders,
    violations,
    compared,
    isAtRest,
    unchecked: server.unchecked ?? copies.unchecked,
  };
}

interface ServerSide {
  folders: VerifiedFolder[];
  violations: Violation[];
  bytes: BytesVerified | null;
  unchecked: Unchecked | null;
}

const notAsked: ServerSide = { folders: [], violations: [], bytes: null, unchecked: null };

/** What was found before the server failed is told too. */
async function ofServer(context: VerifyContext, mailbox: MailboxForSync, options: VerifyOptions): Promise<ServerSide> {
  let found = notAsked;
  const begun: BytesVerified = { kept: 0, server: 0, violations: [] };
  try {
    const open = await context.connect(mailbox, options.signal);
    try {
      const { folders, violations, known } = await verifyFolders(context, { mailbox, open, options });
      found = { folders, violations, bytes: null, unchecked: doubtOf(folders) };
      const bytes = await verifyBytes(context, { mailbox, options, server: { open, folders: known } }, begun);
      return { ...found, bytes };
    } finally {
      await open.close();
    }
  } catch (error) {
    if (!(error instanceof MailFailure)) throw error;
    const violations = [...found.violations, ...begun.violations];
    return { ...found, violations, unchecked: uncheckedFor(error.code) };
  }
}

/** A folder that proves nothing leaves the mailbox in doubt. */
function doubtOf(folders: VerifiedFolder[]): Unchecked | null {
  const doubtful = folders.find(({ verdict }) => verdict === 'not-provable' || verdict === 'import-running');
  return doubtful === undefined ? null : uncheckedFor(doubtful.reason ?? doubtful.verdict);
}

async function ofCopies(
  context: VerifyContext,
  { tenantId, sourceId }: MailboxForSync,
  options: VerifyOptions,
): Promise<{ violations: Violation[]; unchecked: Unchecked | null }> {
  const found: Violation[] = [];
  let unchecked: Unchecked | null = null;
  for (let after: string | null | undefined = null; after !== undefined && found.length < mostListed;) {
    const share = { tenantId, sourceId, after, limit: copiesPerShare };
    const { violations, next, timelines } = await brokenCopies(context.db, share);
    if (timelines === 'being-written') unchecked = uncheckedFor('timelines-being-written');
    if (violations.length > 0) {
      await sleep(options.secondLookMs, undefined, { signal: options.signal });
      found.push(...foundAgain(violations, (await brokenCopies(context.db, share)).violations));
    }
    options.signal.throwIfAborted();
    after = next ?? undefined;
  }
  return { violations: found, unchecked };
}

/** Each once, and so many of each kind: hundreds of thousands would help nobody. */
function limited(violations: Violation[]): Violation[] {
  const told = new Map<string, number>();
  const seen = new Set<string>();
  return violations.filter((violation) => {
    const key = JSON.stringify(violation);
    const count = told.get(violation.invariant) ?? 0;
    if (seen.has(key) || count > mostTold) return false;
    seen.add(key);
    told.set(violation.invariant, count + 1);
    return true;
  });
}
