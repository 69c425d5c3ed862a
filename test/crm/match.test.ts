import { addressesToMatch } from '../../src/crm/match';
import type { MailAddress, ParsedMessage } from '../../src/domain/message';
import { defaultPolicy } from '../../src/domain/policy';

const at = (key: string | null): MailAddress => ({ name: '', address: key ?? 'not an address', key });

const message: ParsedMessage = {
  messageIdHeader: null,
  references: [],
  sentAt: null,
  subject: '',
  from: [at('ada@customer.example')],
  sender: [at('desk@customer.example')],
  replyTo: [at('answers@customer.example')],
  to: [at('sales@company.example'), at('sales@company.example'), at(null)],
  cc: [at('ada@customer.example')],
  bcc: [at('boss@company.example')],
  deliveredTo: [at('archive@company.example')],
  text: '',
  textTruncated: false,
  parts: [],
  marks: [],
  messageKey: '',
};

test('by default every header but the delivery headers counts, each address once per header', () => {
  expect(addressesToMatch(message, defaultPolicy)).toEqual([
    { addressKey: 'ada@customer.example', role: 'from' },
    { addressKey: 'desk@customer.example', role: 'sender' },
    { addressKey: 'answers@customer.example', role: 'reply-to' },
    { addressKey: 'sales@company.example', role: 'to' },
    { addressKey: 'ada@customer.example', role: 'cc' },
    { addressKey: 'boss@company.example', role: 'bcc' },
  ]);
});

test('only the headers that the policy names count', () => {
  expect(addressesToMatch(message, { matchHeaders: ['Delivered-To', 'From'] })).toEqual([
    { addressKey: 'archive@company.example', role: 'delivered-to' },
    { addressKey: 'ada@customer.example', role: 'from' },
  ]);
});

test('a policy that names no header matches nothing', () => {
  expect(addressesToMatch(message, { matchHeaders: [] })).toEqual([]);
});

test('recipients that may have a number are looked at for it, whatever headers count', () => {
  const numbered = {
    ...message,
    from: [at('1.desk@company.example')],
    cc: [],
    deliveredTo: [at('1001.sales@company.example')],
  };
  expect(addressesToMatch(numbered, { matchHeaders: ['From', 'Cc'] })).toEqual([
    { addressKey: '1.desk@company.example', role: 'from' },
    { addressKey: 'number:1001.sales@company.example', role: 'delivered-to' },
  ]);
});
