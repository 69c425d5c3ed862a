import { retryAfterMs } from '../../../src/crm/http-connector/call';
import { readChange } from '../../../src/crm/http-connector/read-record';
import { httpSettings } from '../../../src/crm/http-connector/settings';

const now = Date.parse('2026-03-02T09:30:00Z');

test.each([
  [undefined, null],
  ['120', 120_000],
  ['Mon, 02 Mar 2026 09:31:00 GMT', 60_000],
  ['Mon, 02 Mar 2026 09:00:00 GMT', 0],
  ['86400', 86_400_000],
  ['86401', 86_400_000],
  ['soon', null],
])('Retry-After %j means %j ms', (header, ms) => {
  expect(retryAfterMs(header, now)).toBe(ms);
});

const { mapping } = httpSettings.parse({
  baseUrl: 'https://crm.example',
  mapping: {
    name: ['first', 'last'],
    number: 'no',
    addresses: [{ path: 'mail' }, { path: 'others', address: 'to.value', kind: { always: 'private' } }],
  },
});

test('a record is read by the paths of the mapping', () => {
  const others = [{ to: { value: 'anna@home.example' } }, { to: null }];
  const object = { id: 17, first: 'Anna', last: 'Beck', no: 1001, mail: ['anna@acme.example'], others };
  expect(readChange(object, mapping)).toEqual({
    kind: 'upsert',
    record: {
      type: 'contact',
      externalId: '17',
      name: 'Anna Beck',
      number: '1001',
      addresses: [
        { address: 'anna@acme.example', kind: 'business' },
        { address: 'anna@home.example', kind: 'private' },
      ],
    },
  });
});

test('what is not sent is not said, and what is sent empty is emptied', () => {
  expect(readChange({ id: '1' }, mapping)).toEqual({ kind: 'upsert', record: { type: 'contact', externalId: '1' } });
  expect(readChange({ id: '1', no: null, mail: [] }, mapping)).toEqual({
    kind: 'upsert',
    record: { type: 'contact', externalId: '1', number: null, addresses: [] },
  });
});

test('names of what every object inherits lead nowhere', () => {
  const strange = { ...mapping, externalId: 'constructor.name' };
  expect(readChange({ id: '1' }, strange)).toMatchObject({ kind: 'unreadable', why: { reason: 'no-external-id' } });
});
