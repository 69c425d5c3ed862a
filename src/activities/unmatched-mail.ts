import { addressesToMatch, type AddressToMatch } from '../crm/match';
import { repliesToLinked } from '../db/ingest/left-out-replies';
import { messageIdHash } from '../db/ingest/message-write';
import { answeredHashes } from '../db/ingest/thread-write';
import { addressKeysThatMatch } from '../db/matching-addresses';
import type { MailboxForSync } from '../db/sync/mailbox-for-sync';
import type { MailAddress, ParsedMessage } from '../domain/message';
import type { ActivityContext } from './context';

/** A message that was fetched and parsed. */
interface ReadMail {
  uid: number;
  message: ParsedMessage;
}

/**
 * With `unmatched: drop`, the mail of a batch that is left out: none of its addresses leads to a record, and it is no reply to mail that is linked to
 * one (product promise C7), in the database or in the batch. By UID, what it answers and may be linked yet. Reads only.
 */
export async function unmatchedAmong(
  context: Pick<ActivityContext, 'db'>,
  mailbox: MailboxForSync,
  read: ReadMail[],
): Promise<Map<number, string[]>> {
  const { tenantId, policy } = mailbox;
  if (policy.unmatched === 'keep') return new Map();
  const mail = read.map((one) => ({ ...one, addresses: addressesToMatch(one.message, policy) }));
  const addressKeys = [...new Set(mail.flatMap(({ addresses }) => addresses.map(({ addressKey }) => addressKey)))];
  const matching = await addressKeysThatMatch(context.db, tenantId, { addressKeys, policy });
  const matches = ({ addressKey }: AddressToMatch) => matching.has(addressKey);
  const strangers = mail.filter(({ addresses }) => !addresses.some(matches)).map(possibleReply);
  const answers = await repliesToLinked(context.db, tenantId, strangers);
  // Where contacts of several companies may part, the database says what was linked when it is written.
  const linked = mail.filter(
    ({ addresses }) => policy.severalCompanies === 'link-all' && addresses.some(isOpen(matches)),
  );
  const inBatch = new Set(linked.map(({ message }) => message));
  strangers.forEach(({ message }, n) => {
    if (answers[n]?.belongs === true) inBatch.add(message);
  });
  withRepliesTo(inBatch, { strangers, users: mailbox.userAddresses });
  const left = strangers.flatMap(({ uid, message, answers: hashes }, n): [number, string[]][] =>
    inBatch.has(message) ? [] : [[uid, hashes.filter((hash) => answers[n]?.answered.has(hash) !== true)]],
  );
  return new Map(left);
}

interface Stranger extends ReadMail {
  answers: string[];
  authors: string[];
}

function possibleReply({ uid, message }: ReadMail): Stranger {
  return { uid, message, answers: answeredHashes(message), authors: keysOf(message.from) };
}

function keysOf(addresses: MailAddress[]): string[] {
  return [...new Set(addresses.flatMap(({ key }) => key ?? []))];
}

/** What only Bcc or a delivery header says is nobody's business, and passes on to no reply. */
function isOpen(matches: (address: AddressToMatch) => boolean): (address: AddressToMatch) => boolean {
  return (address) => address.role !== 'bcc' && address.role !== 'delivered-to' && matches(address);
}

/** Adds the replies to these messages, and the replies to them. */
function withRepliesTo(
  linked: Set<ParsedMessage>,
  { strangers, users }: { strangers: Stranger[]; users: ReadonlySet<string> },
): void {
  const people = new Map<string, Set<string>[]>();
  for (const message of linked) addPeople(people, message);
  let open = strangers.filter(({ message }) => !linked.has(message));
  for (let before = Infinity; open.length < before;) {
    before = open.length;
    open = open.filter((stranger) => {
      const { message, answers, authors } = stranger;
      const belongs = (to: Set<string>) => authors.every((key) => users.has(key) || to.has(key));
      if (authors.length === 0 || !answers.some((hash) => people.get(hash)?.some(belongs) === true)) return true;
      linked.add(message);
      addPeople(people, message);
      return false;
    });
  }
}

/** Whoever wrote or received a message, by the hash of its id. */
function addPeople(people: Map<string, Set<string>[]>, message: ParsedMessage): void {
  const { messageIdHeader, from, sender, replyTo, to, cc } = message;
  if (messageIdHeader === null) return;
  const hash = messageIdHash(messageIdHeader).toString('hex');
  people.set(hash, [...(people.get(hash) ?? []), new Set(keysOf([from, sender, replyTo, to, cc].flat()))]);
}
