import { mail } from './mail-factory';

const date = new Date('2026-01-02T02:00:00Z');
/** A letter within a day of the INTERNALDATE that the scripted server tells. */
export const letter = (name: string, more: object = {}) =>
  mail({ subject: `About ${name}`, text: `Words of ${name}.`, date, messageId: `${name}@customer.example`, ...more });

/** A mailbox with mail of every kind that a parser may once have read wrongly, as the parser of today reads it. */
export const letters = {
  root: letter('root'),
  subject: letter('subject', { subject: 'Grüße' }),
  file: letter('file', { attachments: [{ filename: 'offer.pdf', content: 'an offer' }] }),
  reply: letter('reply', { references: ['root@customer.example'] }),
  people: letter('people', { cc: 'Grace <grace@customer.example>', bcc: 'hidden@customer.example' }),
  date: letter('date', { date: new Date('2026-01-02T05:00:00Z') }),
  marks: letter('marks', { headers: { 'Auto-Submitted': 'auto-replied' } }),
  text: letter('text'),
  id: letter('id'),
  fine: letter('fine'),
};

/** Ids in SQL, of the tenant that stands for `%`. */
export const idOf = (name: string) =>
  `(SELECT id FROM message WHERE tenant_id = '%' AND message_id_header = '<${name}@customer.example>')`;
export const copyOf = (name: string) =>
  `(SELECT c.id FROM copy c WHERE c.tenant_id = '%' AND c.message_id = ${idOf(name)})`;

/** Takes Grace's links away. */
export const unlinked = (where: string) => [
  `DELETE FROM link_reason x USING link l, record r WHERE x.link_id = l.id AND r.id = l.record_id AND r.name = 'grace' AND ${where}`,
  `DELETE FROM link l USING record r WHERE r.id = l.record_id AND r.name = 'grace' AND ${where}`,
];

/** What an older parser would have written: it lost these. */
export const damages: Record<string, string[]> = {
  subject: [`UPDATE message_subject SET subject = 'Gr??e' WHERE message_id = ${idOf('subject')}`],
  file: [
    `UPDATE copy_structure SET parts = '[]' WHERE copy_id = ${copyOf('file')}`,
    `UPDATE message SET has_attachments = false WHERE id = ${idOf('file')}`,
  ],
  reply: [
    `INSERT INTO thread (tenant_id, id) VALUES ('%', 'ffffffff-0000-7000-8000-000000000001')`,
    `UPDATE thread_ref SET thread_id = 'ffffffff-0000-7000-8000-000000000001'
     WHERE tenant_id = '%' AND ref_hash = sha256('<reply@customer.example>'::bytea)`,
    `UPDATE message SET thread_id = 'ffffffff-0000-7000-8000-000000000001' WHERE id = ${idOf('reply')}`,
  ],
  people: [
    `DELETE FROM copy_address WHERE copy_id = ${copyOf('people')} AND role IN ('cc', 'bcc')`,
    `UPDATE copy SET bcc = '[]' WHERE id = ${copyOf('people')}`,
    `UPDATE message SET participants = jsonb_set(participants, '{cc}', '[]') WHERE id = ${idOf('people')}`,
    ...unlinked(`l.message_id = ${idOf('people')}`),
    `DELETE FROM timeline t USING record r WHERE r.id = t.record_id AND r.name = 'grace' AND t.message_id = ${idOf('people')}`,
  ],
  date: [
    `UPDATE message SET sent_at = NULL, sort_at = '2026-01-02T00:00:00Z' WHERE id = ${idOf('date')}`,
    `UPDATE timeline SET sort_at = '2026-01-02T00:00:00Z' WHERE message_id = ${idOf('date')}`,
  ],
  marks: [`UPDATE message SET marks = '{}' WHERE id = ${idOf('marks')}`],
  text: [
    `UPDATE message_body SET text = '', preview = '' WHERE message_id = ${idOf('text')}`,
    `UPDATE message SET message_key = sha256('old text'::bytea) WHERE id = ${idOf('text')}`,
  ],
  id: [
    `UPDATE message SET message_id_header = '<id@customer>', message_id_hash = sha256('<id@customer>'::bytea) WHERE id = ${idOf('id')}`,
  ],
};

/** What the parser of today reads otherwise where all of it was lost. */
export const expected = [
  { name: 'date', fields: ['dates'] },
  { name: 'file', fields: ['parts'] },
  { name: 'id', fields: ['message-id'] },
  { name: 'marks', fields: ['marks'] },
  { name: 'people', fields: ['participants', 'addresses'] },
  { name: 'reply', fields: ['thread'] },
  { name: 'subject', fields: ['subject'] },
  { name: 'text', fields: ['text', 'identity'] },
];
