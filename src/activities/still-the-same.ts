import { compareIdentities, contradicts } from '../domain/folder-changes';
import { uidsDoubted } from '../db/ingest/audit-findings';
import { hasRowFrom, identitiesOf, type FolderGeneration, type KnownIdentity } from '../db/ingest/folder-read';
import type { MailboxForSync } from '../db/sync/mailbox-for-sync';
import type { OpenFolder } from '../mail/mailbox';
import type { MessageEnvelope } from '../domain/folder';
import { hasBeenDown } from './audit-after-outage';
import { auditRewound } from './audit-rewound';
import type { ActivityContext } from './context';

interface Opened {
  mailbox: MailboxForSync;
  opened: OpenFolder;
}

/**
 * Whether an open folder is the generation on record although UIDVALIDITY alone does not tell: a server that was put back to an older
 * state gives the UIDs of lost mail to new mail, which would be taken for the old and never be fetched. It shows in UIDNEXT or
 * HIGHESTMODSEQ that fall, neither of which may (RFC 9051 2.3.1.1, RFC 7162 3.1): then an audit is asked for besides. Where both have been
 * overtaken by new mail, the next audit finds it, and has the folder looked at again. After an outage, which a restore may have been, messages are compared in any case; else
 * nothing is asked while there is no such sign.
 * @throws MailFailure
 */
export async function isStill(
  context: ActivityContext,
  of: Opened & { generation: FolderGeneration },
): Promise<boolean> {
  const { id: genId, uidNext, listedAt } = of.generation;
  const fallen = countersFallen(of.opened.snapshot, of.generation);
  // A UIDNEXT that is not told is one above the newest UID, which falls whenever that message goes.
  if (fallen.includes('HIGHESTMODSEQ') || (fallen.length > 0 && of.opened.toldUidNext)) {
    await auditRewound(context, of.mailbox);
  }
  if (fallen.includes('UIDNEXT')) return provesToBe(context, { ...of, genId });
  const isDoubted = uidNext !== null && (listedAt === null || hasBeenDown(context.limits, of.mailbox));
  if (fallen.length === 0 && !isDoubted) return true;
  const { known, shown } = await sampleOf(context, { ...of, genId });
  if (contradicts(known, shown)) return false;
  return listedAt !== null || !(await doubtsAreTrue(context, { ...of, genId }));
}

function countersFallen(
  shown: OpenFolder['snapshot'],
  { uidNext, modseq }: FolderGeneration,
): ('UIDNEXT' | 'HIGHESTMODSEQ')[] {
  const modseqFell = modseq !== null && shown.highestModseq !== null && BigInt(shown.highestModseq) < BigInt(modseq);
  return [
    ...(shown.uidNext < (uidNext ?? 0) ? ['UIDNEXT' as const] : []),
    ...(modseqFell ? ['HIGHESTMODSEQ' as const] : []),
  ];
}

/**
 * Whether a generation proves to be the one that an open folder shows: messages that both have agree, and none is on record under a
 * UID that the server has still to give away.
 * @throws MailFailure
 */
export async function provesToBe(context: ActivityContext, of: Opened & { genId: number }): Promise<boolean> {
  const { uids, known, shown } = await sampleOf(context, of);
  const { snapshot, toldUidNext } = of.opened;
  // A server that shows a UID above its UIDNEXT has not told the truth about that.
  const next = Math.max(snapshot.uidNext, (uids.at(-1) ?? 0) + 1);
  if (toldUidNext && (await hasRowFrom(context.db, of.mailbox.tenantId, { genId: of.genId, uid: next }))) return false;
  return compareIdentities(known, shown) === 'same' && !contradicts(known, shown);
}

const newestCompared = 2_000;
const sampled = 20;

/** What an audit has found to be other mail lies deeper than a sample where more has come since. */
async function doubtsAreTrue(context: ActivityContext, of: Opened & { genId: number }): Promise<boolean> {
  const { tenantId } = of.mailbox;
  const uids = await uidsDoubted(context.db, tenantId, of.genId);
  if (uids.length === 0) return false;
  const known = await identitiesOf(context.db, tenantId, { genId: of.genId, uids, most: uids.length });
  if (known.length === 0) return false;
  return contradicts(known, await of.opened.fetchEnvelopes(known.map(({ uid }) => uid)));
}

/** The newest messages that a generation and an open folder both have, as each knows them. */
export async function sampleOf(
  context: ActivityContext,
  of: Opened & { genId: number },
): Promise<{ uids: number[]; known: KnownIdentity[]; shown: MessageEnvelope[] }> {
  const { uids } = await of.opened.listUids();
  return { uids, ...(await sampleAmong(context, { ...of, uids })) };
}

/** The newest of these messages, as a generation and an open folder know them. */
export async function sampleAmong(
  context: ActivityContext,
  of: Opened & { genId: number; uids: number[] },
): Promise<{ known: KnownIdentity[]; shown: MessageEnvelope[] }> {
  const asked = { genId: of.genId, uids: of.uids.slice(-newestCompared), most: sampled };
  const known = await identitiesOf(context.db, of.mailbox.tenantId, asked);
  const shown = known.length === 0 ? [] : await of.opened.fetchEnvelopes(known.map(({ uid }) => uid));
  return { known, shown };
}
