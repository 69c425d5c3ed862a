import { CrmServer } from '../support/crm-server';
import { mail } from '../support/mail-factory';
import { Office } from '../support/office';
import { until } from '../support/product';

// A company whose CRM is a server of its own: its people come by themselves, and it hears of their mail.

let office: Office;
let crm: CrmServer;
let connectorId: string;

beforeAll(async () => {
  crm = await CrmServer.start();
  office = await Office.open('connected@corp.example');
  crm.change({ id: '17', kind: 'Person', name: 'Anna', emails: [{ value: 'anna@acme.example' }] });
  await office.connect({ preset: 'register', visibility: 'subject' });
  await office.receive(mail({ from: 'anna@acme.example', subject: 'Before the CRM was connected' }));
}, 180_000);
afterAll(async () => {
  await office.close();
  await crm.close();
});

/** The subjects of the messages that the CRM knows of. */
const heard = () => [...crm.told.values()].map(({ message }) => message?.subject);

async function inStep(): Promise<boolean> {
  const { pulledAt, waiting } = await office.get(`/v1/connectors/${connectorId}`);
  return pulledAt !== null && waiting === 0;
}

test('a CRM that is connected gives its people, and hears of the mail that they have already', async () => {
  connectorId = String((await office.post('/v1/connectors', crm.connector))['id']);
  await until(
    async () => (await office.list<{ name: string }>('/v1/records')).some(({ name }) => name === 'Anna'),
    60_000,
  );
  await office.successful('POST', `/v1/connectors/${connectorId}/sync`);
  await until(() => Promise.resolve(heard().includes('Before the CRM was connected')), 90_000);
  expect([...crm.told.values()]).toMatchObject([{ state: 'active', record: { externalId: '17' } }]);
});

test('although the worker is killed in between, everybody comes once and each mail is told', async () => {
  crm.change(
    ...Array.from({ length: 40 }, (_, n) => ({ id: `p${String(n)}`, kind: 'Person', name: `Person ${String(n)}` })),
  );
  crm.change({ id: '18', kind: 'Person', name: 'Ben', emails: [{ value: 'ben@acme.example' }] });
  await office.receive(mail({ from: 'anna@acme.example', subject: 'While it is killed' }));
  const asked = crm.requests.length;
  await office.successful('POST', `/v1/connectors/${connectorId}/sync`);
  await until(() => Promise.resolve(crm.requests.length > asked), 60_000);
  await office.product.kill('worker');
  office.product.spawnChild('worker');
  await until(async () => (await office.list<{ name: string }>('/v1/records?name=Ben')).length === 1, 120_000);
  await office.receive(mail({ from: 'ben@acme.example', subject: 'After it was killed' }));
  await office.successful('POST', `/v1/connectors/${connectorId}/sync`);
  await until(async () => (await inStep()) && heard().includes('After it was killed'), 120_000);
  expect(heard().sort()).toEqual(['After it was killed', 'Before the CRM was connected', 'While it is killed']);
  const names = (await office.list<{ name: string }>('/v1/records?limit=100')).map(({ name }) => name);
  expect(names).toHaveLength(42);
  expect(new Set(names).size).toBe(42);
});
