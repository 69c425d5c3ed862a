import { otherMessages } from '../domain/folder-changes';
import { identityPart, newestPart, type IdentityPart } from '../domain/identity-rotation';
import { identitiesOf, type FolderGeneration } from '../db/ingest/folder-read';
import type { MailboxForSync } from '../db/sync/mailbox-for-sync';
import type { OpenFolder } from '../mail/mailbox';
import type { ActivityContext } from './context';

/** How much an audit asks of the messages of a folder: servers must look at each for it. */
export interface IdentityShare {
  /** All are asked in a folder of so many messages at most. */
  allUpTo: number;
  /** In a bigger one the newest, and besides them each time another part, so that all are compared in so many audits; or the newest alone. */
  beyond: 'newest' | { allInAudits: number };
}

/** What was found. */
export interface ComparedIdentities {
  /** Bytes of the folder where all its messages were asked, else null. */
  bytes: number | null;
  /** UIDs that have the row of another message. */
  others: number[];
  /** How many messages were compared, and how far the rotation is then. */
  compared: number;
  to: number;
  isEnd: boolean;
}

interface Asked {
  mailbox: MailboxForSync;
  open: OpenFolder;
  generation: FolderGeneration;
  share: IdentityShare;
  uids: number[];
}

/**
 * Compares who the messages are with who they were when they were fetched: a server that was put back to an older state has given UIDs
 * away anew, and what it shows there was never fetched.
 * @throws MailFailure
 */
export async function compareIdentities(context: Pick<ActivityContext, 'db'>, of: Asked): Promise<ComparedIdentities> {
  const isWhole = of.uids.length <= of.share.allUpTo;
  const part = partOf(of, isWhole);
  const asked = { genId: of.generation.id, uids: part.uids, most: part.uids.length };
  const known = await identitiesOf(context.db, of.mailbox.tenantId, asked);
  const wanted = isWhole ? part.uids : known.map(({ uid }) => uid);
  const shown = wanted.length === 0 ? [] : await of.open.fetchEnvelopes(wanted);
  return {
    bytes: isWhole ? shown.reduce((sum, envelope) => sum + envelope.size, 0) : null,
    others: otherMessages(known, shown),
    compared: part.uids.length,
    to: part.to,
    isEnd: part.isEnd,
  };
}

function partOf({ uids, share, generation }: Asked, isWhole: boolean): IdentityPart {
  if (isWhole) return { uids, to: 0, isEnd: true };
  const after = generation.identityUid;
  const { beyond } = share;
  return beyond === 'newest' ? newestPart(uids, after) : identityPart(uids, { after, days: beyond.allInAudits });
}
