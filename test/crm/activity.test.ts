import { refusedBy } from '../../src/crm/activity';
import type { MailAddress, ParsedMessage } from '../../src/domain/message';

const at = (key: string): MailAddress => ({ name: '', address: key, key });
const nobody: MailAddress[] = [];
const message: ParsedMessage = {
  messageIdHeader: null,
  references: [],
  sentAt: null,
  subject: 'A subject',
  from: [at('ada@customer.example')],
  sender: nobody,
  replyTo: nobody,
  to: [at('list@elsewhere.example')],
  cc: nobody,
  bcc: nobody,
  deliveredTo: nobody,
  text: '',
  textTruncated: false,
  parts: [],
  marks: [],
  messageKey: '',
};
const mailbox = {
  policy: { activity: { type: 'email', status: 'done', requireUser: true, requireSubject: true } },
  userAddresses: new Set(['ann@us.example']),
};
const ann = [at('ann@us.example')];

test.each<[string, Partial<ParsedMessage>, ReturnType<typeof refusedBy>]>([
  ['nobody of ours is in it', {}, 'no-user'],
  ['a user sent it', { from: ann }, null],
  ['a user sent it for another', { sender: ann }, null],
  ['a user is in To', { to: ann }, null],
  ['a user is in Cc', { cc: ann }, null],
  ['a user is in Bcc', { bcc: ann }, null],
  ['a number stands before the address of a user', { to: [at('1001.ann@us.example')] }, null],
  ['a number stands before an address of nobody', { to: [at('1001.info@us.example')] }, 'no-user'],
  ['it was only delivered to a user', { deliveredTo: ann }, 'no-user'],
  ['answers are to go to a user', { replyTo: ann }, 'no-user'],
  ['it has no subject', { to: ann, subject: '  ' }, 'no-subject'],
])('mail of which %s', (_fact, values, expected) => {
  expect(refusedBy({ ...message, ...values }, mailbox)).toBe(expected);
});

test('a mailbox that makes no activities refuses nothing', () => {
  expect(refusedBy({ ...message, subject: '' }, { ...mailbox, policy: { activity: null } })).toBeNull();
});
