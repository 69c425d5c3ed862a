import { mail } from '../../support/mail-factory';
import { Office } from '../../support/office';
import { until } from '../../support/product';

// The preset `unread-inbox`: what lies unread in the inbox is taken over and marked as read there. From then on what comes is taken over, read or
// not, and what people do with flags in the mailbox is their own business.

let office: Office;

beforeAll(async () => {
  office = await Office.open('unread@corp.example');
  const old = { from: 'anna@acme.example' };
  // Times of arrival are seconds: mail of the second in which a mailbox is connected counts as new.
  const date = new Date(Date.now() - 60_000);
  await office.mail.append('INBOX', mail({ ...old, subject: 'Read before' }), { date, flags: ['\\Seen'] });
  await office.mail.append(
    'INBOX',
    mail({ ...old, subject: 'Unread before', messageId: '<u1@acme.example>', cc: 'ben@acme.example' }),
    { date },
  );
  await office.mail.createFolder('Elsewhere');
  await office.mail.append('Elsewhere', mail({ ...old, subject: 'Not in the inbox' }));
  await office.connect({ preset: 'unread-inbox' });
}, 180_000);
afterAll(() => office.close());

const isSeen = async (uid: number) => (await office.mail.flagsOf('INBOX', uid)).includes('\\Seen');

/** Waits until the product has marked a message as read on the server. */
async function markedSeen(uid: number): Promise<void> {
  await until(async () => {
    await office.sync();
    return isSeen(uid);
  }, 60_000);
}

let anna: string;

test('what was unread is in the history and now read in the mailbox; what was read, or elsewhere, is not taken over', async () => {
  await until(async () => (await office.ledger()).some(({ outcome }) => outcome === 'recorded'), 60_000);
  anna = await office.record({ name: 'Anna', addresses: [{ address: 'anna@acme.example' }] });
  expect(await office.subjects(anna)).toEqual(['Unread before']);
  await markedSeen(2);
});

test('what comes later is taken over and marked, also when somebody was faster and has read it', async () => {
  const uid = await office.receive(mail({ from: 'anna@acme.example', subject: 'New' }));
  await markedSeen(uid);
  await office.mail.append('INBOX', mail({ from: 'anna@acme.example', subject: 'Read at once' }), {
    flags: ['\\Seen'],
  });
  await office.sync();
  expect(await office.subjects(anna)).toEqual(expect.arrayContaining(['Read at once', 'New', 'Unread before']));
});

test('what a person marks as unread again stays so in the mailbox', async () => {
  const uid = await office.receive(mail({ from: 'anna@acme.example', subject: 'Kept in mind' }));
  await markedSeen(uid);
  await office.mail.unflag('INBOX', uid, ['\\Seen']);
  await office.sync();
  await office.sync();
  expect(await isSeen(uid)).toBe(false);
});

test('an answer of somebody who was in the thread belongs to the same contact, and a stranger’s with its number does not', async () => {
  await office.receive(
    mail({ from: 'ben@acme.example', subject: 'Re: Unread before', references: ['<u1@acme.example>'] }),
  );
  await office.receive(
    mail({ from: 'eve@elsewhere.example', subject: 'Re: Not mine', references: ['<u1@acme.example>'] }),
  );
  const subjects = await office.subjects(anna);
  expect(subjects).toContain('Re: Unread before');
  expect(subjects).not.toContain('Re: Not mine');
});
