import { presences } from '../../src/domain/ledger';
import { sharedDovecot } from '../support/dovecot';
import { openMailClient, type MailClient } from '../support/mail-client';
import { mail } from '../support/mail-factory';
import { createSyncBench, type SyncBench, type TestMailbox } from '../support/sync-bench';

const port = sharedDovecot().imapPort;
const laps = 8;
let bench: SyncBench;
let mailbox: TestMailbox;
let other: MailClient;

beforeAll(async () => {
  bench = await createSyncBench(port);
  mailbox = await bench.connect();
  other = await openMailClient(port, mailbox.user);
});

afterAll(async () => {
  await other.close();
  await bench.close();
});

/** What a person does with one program in one lap: mail comes, is flagged, filed and thrown away. */
async function work(client: MailClient, name: string, lap: number): Promise<void> {
  const subject = `${name} ${String(lap)}`;
  const filed = await client.append('INBOX', mail({ subject: `${subject} filed` }));
  const flagged = await client.append('INBOX', mail({ subject: `${subject} flagged` }));
  const gone = await client.append('INBOX', mail({ subject: `${subject} gone` }));
  await client.flag('INBOX', flagged, ['\\Flagged']);
  await client.move('INBOX', filed, 'Archive');
  await client.expunge('INBOX', [gone]);
}

/** Both take the same messages in hand: what one has done the other finds done. */
async function quarrel(uids: readonly number[]): Promise<void> {
  const [moved = 0, thrownAway = 0] = uids;
  await Promise.all([
    mailbox.person.move('INBOX', moved, 'Archive').catch(() => undefined),
    other.expunge('INBOX', [moved]).catch(() => undefined),
  ]);
  await Promise.all([
    mailbox.person.flag('INBOX', thrownAway, ['\\Seen']).catch(() => undefined),
    other.expunge('INBOX', [thrownAway]).catch(() => undefined),
  ]);
}

const lines = (rows: readonly { folder: string; uidValidity: string; uid: number; sha256: string | null }[]) =>
  rows.map((row) => `${row.folder} ${row.uidValidity} ${String(row.uid)} ${row.sha256 ?? ''}`).sort();

async function live() {
  return (await mailbox.ledger()).filter(({ presence }) => presence === presences.live);
}

test('two clients change a mailbox at the same time, while rounds are made: the ledger is the server, each message once', async () => {
  await other.append('INBOX', mail({ subject: 'before' }));
  await mailbox.syncAll();
  for (let lap = 0; lap < laps; lap += 1) {
    await Promise.all([work(mailbox.person, 'one', lap), work(other, 'two', lap), mailbox.round()]);
    const inbox = (await mailbox.server()).filter(({ folder }) => folder === 'INBOX');
    await Promise.all([quarrel(inbox.map(({ uid }) => uid)), mailbox.round()]);
  }
  await mailbox.syncAll();
  const server = await mailbox.server();
  const rows = await live();
  expect(lines(rows)).toEqual(lines(server));
  expect(server.length).toBeGreaterThanOrEqual(2 * laps);
  const flagged = rows.filter(({ flags }) => (flags & 4) !== 0);
  expect(flagged.length).toBeGreaterThan(0);
});
