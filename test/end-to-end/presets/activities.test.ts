import { mail } from '../../support/mail-factory';
import { Office } from '../../support/office';

// The preset `activities`: each mail between a colleague and a customer is an activity in the CRM, of a type and with a status from the company's
// own lists; its owner is the colleague, the customer takes part, and it belongs to the customer's company. Mail without a colleague, or without
// a subject, is refused, and it is said why.

interface Activity {
  id: string;
  messageId: string;
  type: string;
  status: string;
  ownerUserId: string | null;
  companyId: string | null;
  participants: { kind: string; userId: string | null; recordId: string | null }[];
  externalParticipants: { address: string }[];
  changedByPerson: string[];
}

let office: Office;
let seller: string;
let helper: string;
let acme: string;
let anna: string;

beforeAll(async () => {
  office = await Office.open('activities@corp.example');
  seller = await office.user({ name: 'The seller', addresses: [office.address] });
  helper = await office.user({ name: 'The helper', addresses: ['helper@corp.example'] });
  acme = await office.record({ type: 'company', name: 'Acme' });
  anna = await office.record({ name: 'Anna', companyId: acme, addresses: [{ address: 'anna@acme.example' }] });
  const other = await office.record({ type: 'company', name: 'Other' });
  await office.record({ name: 'Olga', companyId: other, addresses: [{ address: 'olga@other.example' }] });
  await office.mail.createFolder('Sent');
  await office.connect({ preset: 'activities' }, { ownerUserId: seller });
}, 180_000);
afterAll(() => office.close());

/** The activity of a message by its subject. */
async function activityOf(subject: string): Promise<Activity> {
  const message = (await office.list('/v1/messages')).find((one) => one.subject === subject);
  const activity = (await office.list<Activity>('/v1/activities')).find(({ messageId }) => messageId === message?.id);
  if (activity === undefined) throw new Error(`there is no activity of "${subject}"`);
  return activity;
}

test('a mail that a customer sends is an activity of the colleague it is sent to, at the customer and their company', async () => {
  await office.receive(
    mail({
      from: 'anna@acme.example',
      to: office.address,
      cc: 'helper@corp.example, eve@elsewhere.example',
      subject: 'A wish',
    }),
  );
  const activity = await activityOf('A wish');
  expect(activity).toMatchObject({ type: 'email', status: 'done', ownerUserId: seller, companyId: acme });
  expect(activity.participants).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ kind: 'contact', recordId: anna }),
      expect.objectContaining({ kind: 'user', userId: helper }),
    ]),
  );
  expect(activity.externalParticipants.map(({ address }) => address)).toEqual(['eve@elsewhere.example']);
  expect((await office.list<Activity>(`/v1/records/${acme}/activities`)).map(({ id }) => id)).toContain(activity.id);
});

test('a mail that a colleague sends is theirs', async () => {
  await office.receive(
    mail({ from: 'helper@corp.example', to: 'anna@acme.example', cc: office.address, subject: 'An offer' }),
    'Sent',
  );
  expect(await activityOf('An offer')).toMatchObject({ ownerUserId: helper, companyId: acme });
});

test('where customers of two companies are in a mail, it is of neither, and all of them are others who take part', async () => {
  await office.receive(
    mail({ from: 'anna@acme.example', to: `${office.address}, olga@other.example`, subject: 'All together' }),
  );
  const activity = await activityOf('All together');
  expect(activity).toMatchObject({ ownerUserId: seller, companyId: null });
  expect(activity.externalParticipants.map(({ address }) => address).sort()).toEqual([
    'anna@acme.example',
    'olga@other.example',
  ]);
  expect(await office.subjects(anna)).not.toContain('All together');
});

test('mail without a colleague, or without a subject, is refused, and the ledger says why', async () => {
  const strangers = await office.receive(
    mail({ from: 'anna@acme.example', to: 'olga@other.example', subject: 'Not for us' }),
  );
  const wordless = await office.receive(mail({ from: 'anna@acme.example', to: office.address, subject: null }));
  const rows = (await office.ledger()).filter(({ folder }) => folder === 'INBOX');
  expect(rows.find(({ uid }) => uid === strangers)).toMatchObject({ outcome: 'filtered', reason: 'no-user' });
  expect(rows.find(({ uid }) => uid === wordless)).toMatchObject({ outcome: 'filtered', reason: 'no-subject' });
});

test('the files of a mail are files of the customer', async () => {
  const attachments = [{ filename: 'order.pdf', contentType: 'application/pdf', content: 'the order' }];
  await office.receive(
    mail({ from: 'anna@acme.example', to: office.address, subject: 'With a file', text: 'See the file', attachments }),
  );
  const files = await office.list<{ filename: string; kept: boolean }>(`/v1/records/${anna}/files`);
  expect(files).toMatchObject([{ filename: 'order.pdf', kept: true }]);
});

test('what a person says of an activity stays', async () => {
  const { id } = await activityOf('A wish');
  await office.successful('PATCH', `/v1/activities/${id}`, { ownerUserId: helper });
  expect(await activityOf('A wish')).toMatchObject({ ownerUserId: helper, changedByPerson: ['owner'] });
});
