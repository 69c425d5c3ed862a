import { mail } from '../../support/mail-factory';
import { Office } from '../../support/office';
import { until } from '../../support/product';

// The preset `register`: a book of all letters. What comes from the day on which a mailbox is connected is kept, whoever it is from; it stands
// in the history of each record whose address is in it, and stays there whatever happens to it in the mailbox.

let office: Office;

beforeAll(async () => {
  office = await Office.open('register@corp.example');
  // Times of arrival are seconds: mail of the second in which a mailbox is connected counts as new.
  const date = new Date(Date.now() - 60_000);
  await office.mail.append('INBOX', mail({ from: 'anna@acme.example', subject: 'Before' }), { date });
  await office.connect({ preset: 'register' });
}, 180_000);
afterAll(() => office.close());

test('mail from before the mailbox was connected is counted, and not fetched', async () => {
  expect(await office.ledger()).toMatchObject([{ outcome: 'filtered', reason: 'before-start', messageId: null }]);
});

test('a letter and its answer stand in the history of the contact, in their thread', async () => {
  const anna = await office.record({ name: 'Anna', addresses: [{ address: 'anna@acme.example' }] });
  await office.receive(mail({ from: 'Anna <Anna@Acme.example>', subject: 'An order', messageId: '<r1@acme.example>' }));
  await office.mail.createFolder('Sent');
  await office.receive(
    mail({ from: office.address, to: 'anna@acme.example', subject: 'Re: An order', references: ['<r1@acme.example>'] }),
    'Sent',
  );
  const timeline = await office.timeline(anna);
  expect(timeline).toMatchObject([
    { subject: 'Re: An order', direction: 'outgoing' },
    { subject: 'An order', direction: 'incoming' },
  ]);
  expect(new Set(timeline.map(({ threadId }) => threadId)).size).toBe(1);
});

test('mail of somebody unknown waits, and is in their history from the moment on at which a person says who they are', async () => {
  await office.receive(mail({ from: 'ben@newcomer.example', subject: 'A question' }));
  await office.receive(mail({ from: 'ben@newcomer.example', subject: 'The same question again' }));
  expect((await office.unassigned()).map(({ subject }) => subject)).toEqual(['The same question again', 'A question']);
  const [group] = await office.list<{ key: string; messages: number }>('/v1/unassigned/groups?by=sender');
  expect(group).toMatchObject({ key: 'ben@newcomer.example', messages: 2 });

  const ben = await office.record({ name: 'Ben' });
  const assigned = await office.post('/v1/unassigned/assign', {
    recordId: ben,
    filter: { sender: 'ben@newcomer.example' },
    addAddress: true,
  });
  await office.finished(assigned['operationId']);
  expect(await office.unassigned()).toEqual([]);
  await office.receive(mail({ from: 'ben@newcomer.example', subject: 'Thank you' }));
  expect(await office.subjects(ben)).toEqual(['Thank you', 'The same question again', 'A question']);
});

test('an address that is added later brings its old mail along', async () => {
  await office.receive(mail({ from: 'carla@late.example', subject: 'Early' }));
  const carla = await office.record({ name: 'Carla', addresses: [{ address: 'carla@late.example', kind: 'private' }] });
  expect(await office.subjects(carla)).toEqual(['Early']);
});

test('what is deleted in the mailbox stays in the register', async () => {
  const dora = await office.record({ name: 'Dora', addresses: [{ address: 'dora@acme.example' }] });
  const uid = await office.receive(mail({ from: 'dora@acme.example', subject: 'To be kept' }));
  await office.mail.expunge('INBOX', [uid]);
  await until(async () => {
    await office.sync();
    return (await office.ledger()).some((row) => row.uid === uid && row.folder === 'INBOX' && row.presence === 'ended');
  });
  expect(await office.subjects(dora)).toEqual(['To be kept']);
});
