import { mail } from '../../support/mail-factory';
import { Office } from '../../support/office';
import { until } from '../../support/product';

// The preset `mirror`: the CRM shows what is in the mailbox, as long as it is there. Business addresses are matched; whoever may see a record
// reads its mail in full; what goes from the mailbox goes from the CRM, and when the mailbox goes, all of it.

let office: Office;
let owner: string;
let colleague: string;

beforeAll(async () => {
  office = await Office.open('mirror@corp.example');
  owner = await office.user({ name: 'The owner', addresses: [office.address] });
  colleague = await office.user({ name: 'A colleague', addresses: ['colleague@corp.example'] });
  await office.mail.createFolder('Kept');
  await office.connect(
    { preset: 'mirror', removalGraceSeconds: 1, folders: { mode: 'selected', include: ['INBOX', 'Kept'] } },
    { ownerUserId: owner },
  );
}, 180_000);
afterAll(() => office.close());

test('mail is linked by the business address of a customer, and not by the private one', async () => {
  const anna = await office.record({
    name: 'Anna',
    addresses: [
      { address: 'anna@acme.example', kind: 'business' },
      { address: 'anna@home.example', kind: 'private' },
    ],
  });
  await office.receive(mail({ from: 'anna@acme.example', subject: 'Business' }));
  await office.receive(mail({ from: 'anna@home.example', subject: 'Private' }));
  expect(await office.subjects(anna)).toEqual(['Business']);
  expect((await office.unassigned()).map(({ subject }) => subject)).toEqual(['Private']);
});

test('a colleague reads the customer’s mail in full, and a mail that belongs to nobody is the owner’s alone', async () => {
  const ben = await office.record({ name: 'Ben', addresses: [{ address: 'ben@acme.example' }] });
  await office.receive(mail({ from: 'ben@acme.example', subject: 'For all', text: 'What all may read' }));
  const seen = await office.getAs(colleague, `/v1/records/${ben}/timeline`);
  expect(seen.body['items']).toMatchObject([{ subject: 'For all', preview: 'What all may read', level: 'full' }]);
  expect((await office.getAs(colleague, '/v1/messages?unassigned=true')).body['items']).toEqual([]);
  expect((await office.getAs(owner, '/v1/messages?unassigned=true')).body['items']).not.toEqual([]);
});

test('the broker of a customer has the customer’s mail too', async () => {
  const broker = await office.record({ type: 'intermediary', name: 'The broker' });
  await office.record({ name: 'Carl', intermediaryId: broker, addresses: [{ address: 'carl@acme.example' }] });
  await office.receive(mail({ from: 'carl@acme.example', subject: 'A policy' }));
  expect(await office.subjects(broker)).toEqual(['A policy']);
});

test('mail that is moved stays, and mail that is removed goes from the CRM', async () => {
  const dora = await office.record({ name: 'Dora', addresses: [{ address: 'dora@acme.example' }] });
  const uid = await office.receive(mail({ from: 'dora@acme.example', subject: 'Moved' }));
  const gone = await office.receive(mail({ from: 'dora@acme.example', subject: 'Removed' }));
  await office.mail.move('INBOX', uid, 'Kept');
  await office.mail.expunge('INBOX', [gone]);
  await until(async () => {
    await office.sync();
    return (await office.subjects(dora)).length === 1;
  }, 90_000);
  expect(await office.subjects(dora)).toEqual(['Moved']);
});

test('a thread is linked by hand as it stands; what comes later is linked when somebody links it again', async () => {
  const broker = await office.record({ type: 'intermediary', name: 'Another broker' });
  const frank = { from: 'frank@elsewhere.example' };
  await office.receive(mail({ ...frank, subject: 'An enquiry', messageId: '<f1@elsewhere.example>' }));
  const threadId = (await office.unassigned()).find(({ subject }) => subject === 'An enquiry')?.threadId ?? '';
  const linked = await office.post(`/v1/threads/${threadId}/links`, { recordId: broker, mode: 'snapshot' });
  await office.finished(linked['operationId']);
  expect(await office.subjects(broker)).toEqual(['An enquiry']);

  await office.receive(mail({ ...frank, subject: 'More of it', references: ['<f1@elsewhere.example>'] }));
  expect(await office.subjects(broker)).toEqual(['An enquiry']);
  const again = await office.post(`/v1/threads/${threadId}/relink`, { recordId: broker });
  await office.finished(again['operationId']);
  expect(await office.subjects(broker)).toEqual(['More of it', 'An enquiry']);
});

test('when the mailbox is stopped, all of its mail and links go, and the report says so', async () => {
  const before = await office.list('/v1/messages');
  expect(before.length).toBeGreaterThan(0);
  await office.successful('POST', `/v1/mailboxes/${office.mailboxId}/stop`);
  const { deletionId } = (await office.successful(
    'DELETE',
    `/v1/mailboxes/${office.mailboxId}?confirm=${office.address}`,
  )) as { deletionId: string };
  await until(async () => (await office.get(`/v1/deletions/${deletionId}`))['state'] === 'done', 90_000);
  expect(await office.list('/v1/messages')).toEqual([]);
  expect((await office.product.call('GET', `/v1/mailboxes/${office.mailboxId}`)).status).toBe(404);
});
