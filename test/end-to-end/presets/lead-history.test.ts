import { mail } from '../../support/mail-factory';
import { Office } from '../../support/office';

// The preset `lead-history`: only the mail of leads and customers that the CRM knows, and of it the letters, not their files. Of all other mail
// nothing is kept but that it was there.

let office: Office;
let lead: string;

beforeAll(async () => {
  office = await Office.open('leads@corp.example');
  lead = await office.record({ type: 'lead', name: 'A lead', addresses: [{ address: 'anna@acme.example' }] });
  await office.connect({ preset: 'lead-history' });
}, 180_000);
afterAll(() => office.close());

test('a letter of a lead is in the lead’s history, without its files', async () => {
  const attachments = [{ filename: 'plan.pdf', contentType: 'application/pdf', content: 'a long plan' }];
  await office.receive(mail({ from: 'anna@acme.example', subject: 'The plan', text: 'The letter', attachments }));
  const [item] = await office.timeline(lead);
  expect(item).toMatchObject({ subject: 'The plan', preview: 'The letter' });
  const message = await office.get(`/v1/messages/${String(item?.id)}`);
  expect(message).toMatchObject({ attachments: [], copies: [{ rawState: 'reduced' }] });
});

test('a letter of the company to the lead is there too', async () => {
  await office.mail.createFolder('Sent');
  await office.receive(mail({ from: office.address, to: 'anna@acme.example', subject: 'Our offer' }), 'Sent');
  expect(await office.subjects(lead)).toContain('Our offer');
});

test('of mail of anybody else nothing is kept, and the ledger says that it was there and why', async () => {
  const uid = await office.receive(
    mail({
      from: 'nobody@elsewhere.example',
      subject: 'Secret words',
      text: 'A secret text',
      messageId: '<secret@x.example>',
    }),
  );
  const row = (await office.ledger()).find((one) => one.folder === 'INBOX' && one.uid === uid);
  expect(row).toMatchObject({ outcome: 'filtered', reason: 'unmatched', messageId: null });
  expect(await office.unassigned()).toEqual([]);
  expect(await office.list('/v1/messages?query=secret')).toEqual([]);
  const kept = await office.product.db.inTenant(await tenantId(), (sql) =>
    sql.query<{ rows: number }>(
      `SELECT (SELECT count(*) FROM message WHERE message_id_header LIKE '%secret%') + (SELECT count(*) FROM message_subject WHERE subject LIKE '%Secret%')
         + (SELECT count(*) FROM copy_address WHERE address_key LIKE 'nobody@%') + (SELECT count(*) FROM placement WHERE blob_id IS NOT NULL) AS rows`,
    ),
  );
  expect(kept).toEqual([{ rows: 0 }]);
});

test('"where is my mail?" is answered for it all the same', async () => {
  const found = await office.get(`/v1/find?messageIdHeader=${encodeURIComponent('<secret@x.example>')}`);
  expect(JSON.stringify(found)).toContain('unmatched');
});

test('when the sender becomes a lead, what comes from then on is kept', async () => {
  const late = await office.record({
    type: 'lead',
    name: 'Late',
    addresses: [{ address: 'nobody@elsewhere.example' }],
  });
  await office.receive(mail({ from: 'nobody@elsewhere.example', subject: 'Once more' }));
  expect(await office.subjects(late)).toEqual(['Once more']);
});

async function tenantId(): Promise<string> {
  const [row] = await office.product.db.acrossTenants((sql) =>
    sql.query<{ id: string }>('SELECT tenant_id AS id FROM tenant'),
  );
  return row?.id ?? '';
}
