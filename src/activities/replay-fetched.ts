import { MailFailure } from '../domain/failure';
import type { MessageEnvelope } from '../domain/folder';
import { outcomes } from '../domain/ledger';
import type { BatchItem } from '../db/ingest/batch';
import { noteShare, type ReplayItem } from '../db/replay/replay-share';
import type { Mailbox } from '../mail/mailbox';
import { onConnection } from './connections';
import { failsAlone } from './fails-alone';
import { readHeaderOnly, readStreamed } from './read-big-message';
import { replaceHeaderOnly } from './replay-header-only';
import { envelopeOf, noteOf, recordReplayed } from './replay-stored';
import type { Replaying } from './replaying';
import { refuseWhenDiskIsLow } from './run-round';
import { parkedItem } from './undelivered';

/** A connection that breaks so often in one share is not asked again: its server may be at fault. */
const mostBroken = 3;

/** What asking the server for a message came to. */
type Fetched =
  | { kind: 'read'; item: BatchItem }
  | { kind: 'gone'; reason: string }
  /** Its folder is busy or refuses to be opened, and so no answer to whether the message comes; other folders may give one. */
  | { kind: 'not-now'; reason: string }
  /** The connection broke with it: it is parked again, and the next message needs a new connection. */
  | { kind: 'broke'; item: BatchItem };

/**
 * Asks the server of a mailbox for messages of which there are no bytes, one by one, and records what comes. Where the server cannot be
 * asked at all, the rest is put off by an hour. A dry run asks nobody.
 * Second run: asks for what has not been recorded.
 */
export async function replayFetched(replaying: Replaying, items: ReplayItem[]): Promise<void> {
  const { context, ref, share } = replaying;
  if (share.task.senderDomain !== null) {
    const unknown = items.map((item) => noteOf(item, 'left-out', 'sender-not-known'));
    return noteShare(context.db, ref, { items: unknown, next: 'as-planned' });
  }
  if (share.task.mode === 'dry-run') {
    const fetch = items.map((item) => noteOf(item, 'fetch', null));
    return noteShare(context.db, ref, { items: fetch, next: 'as-planned' });
  }
  const left = [...items];
  for (let broken = 0; left.length > 0;) {
    const end = await fetchOnConnection(replaying, left);
    if (end === 'done') return;
    broken += 1;
    if (end.kind === 'refused' || broken >= mostBroken) return putOff(replaying, left, end.reason);
  }
}

/** Takes from `left` what has been dealt with. */
async function fetchOnConnection(
  replaying: Replaying,
  left: ReplayItem[],
): Promise<'done' | { kind: 'broke' | 'refused'; reason: string }> {
  const { context, run, mailbox } = replaying;
  try {
    await refuseWhenDiskIsLow(context);
    return await onConnection(context, run, {
      mailbox,
      purpose: 'import',
      work: (on) => fetchEach({ ...replaying, run: on.run }, on.open, left),
    });
  } catch (error) {
    if (!(error instanceof MailFailure)) throw error;
    return { kind: 'refused', reason: error.code === 'disk-low' ? 'disk-low' : error.kind };
  }
}

async function fetchEach(
  replaying: Replaying,
  open: Mailbox,
  left: ReplayItem[],
): Promise<'done' | { kind: 'broke'; reason: string }> {
  const { run } = replaying;
  for (let item = left[0]; item !== undefined; item = left[0]) {
    run.signal.throwIfAborted();
    const fetched = await fetchOne(replaying, open, item);
    // That the connection broke is our own doing then, and blames no message.
    run.signal.throwIfAborted();
    if (fetched.kind === 'not-now') {
      const { folder } = item;
      await putOff(
        replaying,
        takeOut(left, (one) => one.folder === folder),
        fetched.reason,
      );
    } else {
      await write(replaying, item, fetched);
      left.shift();
    }
    run.heartbeat();
    if (fetched.kind === 'broke') return { kind: 'broke', reason: 'unreachable' };
  }
  return 'done';
}

/** Takes from a list what fits. */
function takeOut<T>(list: T[], fits: (one: T) => boolean): T[] {
  const taken = list.filter(fits);
  list.splice(0, list.length, ...list.filter((one) => !fits(one)));
  return taken;
}

async function fetchOne(replaying: Replaying, open: Mailbox, item: ReplayItem): Promise<Fetched> {
  const asked: Asked = { envelope: null };
  try {
    return await lookFor(replaying, { open, item, asked });
  } catch (error) {
    if (!(error instanceof MailFailure)) throw error;
    const isOfFolder = error.kind === 'busy' || (error.kind === 'refused' && asked.envelope === null);
    if (isOfFolder && failsAlone(error, open)) return { kind: 'not-now', reason: error.kind };
    return failed(error, { item, asked });
  }
}

/** What is known once the message itself is asked for. */
interface Asked {
  envelope: MessageEnvelope | null;
}

async function lookFor(
  { context, mailbox }: Replaying,
  { open, item, asked }: { open: Mailbox; item: ReplayItem; asked: Asked },
): Promise<Fetched> {
  const folder = await open.examine(item.folder);
  if (folder.snapshot.uidValidity !== item.uidValidity) return { kind: 'gone', reason: 'uidvalidity-changed' };
  const { uids } = await folder.listUids({ from: item.uid, to: item.uid });
  if (!uids.includes(item.uid)) return { kind: 'gone', reason: 'not-on-server' };
  const [told] = await folder.fetchEnvelopes([item.uid]);
  const envelope = told ?? envelopeOf(item);
  asked.envelope = envelope;
  // Who asks for a message that is kept by its header alone wants it whole, whatever its size.
  const isTooLarge = envelope.size > mailbox.policy.maxMessageBytes && item.row?.outcome === outcomes.parked;
  const read = isTooLarge ? readHeaderOnly : readStreamed;
  const came = await read(context, { mailbox, open: folder, envelope });
  return { kind: 'read', item: came ?? parkedItem(envelope) };
}

/** @throws the failure where it concerns the connection, and not the message */
function failed(error: MailFailure, { item, asked }: { item: ReplayItem; asked: Asked }): Fetched {
  const again = parkedItem(asked.envelope ?? envelopeOf(item));
  switch (error.kind) {
    case 'gone':
      return { kind: 'gone', reason: 'folder-gone' };
    case 'refused':
    case 'unreadable':
      return { kind: 'read', item: again };
    case 'unreachable':
      // Only while the message itself was asked for can it be what broke the connection.
      if (asked.envelope !== null) return { kind: 'broke', item: again };
      throw error;
    case 'busy':
    case 'credentials':
    case 'cursor-lost':
      throw error;
  }
}

async function write(
  replaying: Replaying,
  item: ReplayItem,
  fetched: Exclude<Fetched, { kind: 'not-now' }>,
): Promise<void> {
  const { context, ref } = replaying;
  if (fetched.kind === 'gone') {
    // One listing can be wrong, and a folder can come back.
    return noteShare(context.db, ref, { items: [noteOf(item, 'gone', fetched.reason)], next: 'ever-later' });
  }
  if (item.row?.outcome === outcomes['headers-only']) return replaceHeaderOnly(replaying, item, fetched.item);
  return recordReplayed(replaying, item.genId, [fetched.item]);
}

async function putOff({ context, ref }: Replaying, items: ReplayItem[], reason: string): Promise<void> {
  const later = items.map((item) => noteOf(item, 'not-fetched', reason));
  await noteShare(context.db, ref, { items: later, next: 'soon' });
}
