import { createHash } from 'node:crypto';

import { importScript } from '../support/import-script';

interface Oracle {
  foldersOf: (answer: Buffer) => { name: string; path: string }[];
  messagesOf: (answer: Buffer) => { uid: number; sha: string; key: string | null; flags: string[] }[];
}

let oracle: Oracle;

beforeAll(async () => {
  oracle = await importScript<Oracle>('scripts/chaos/oracle.mjs');
});

test('folders are read with the names that a person gave them; what cannot be opened is left out', () => {
  const answer = [
    '* LIST (\\HasNoChildren) "/" INBOX',
    '* LIST (\\Noselect \\HasChildren) "/" Kunden',
    '* LIST (\\HasNoChildren) "/" "Kunden/Z&APw-rich"',
    '* LIST (\\HasNoChildren) "/" "Ablage (alt), \\"neu\\""',
    '* LIST (\\HasNoChildren) "/" {3}',
    'a\\b',
    '* LIST () NIL A&-B',
    't1 OK List completed.',
    '',
  ].join('\r\n');
  const paths = oracle.foldersOf(Buffer.from(answer)).map(({ path }) => path);
  expect(paths).toEqual(['INBOX', 'Kunden/Zürich', 'Ablage (alt), "neu"', 'a\\b', 'A&B']);
});

test('messages are read by their bytes, whatever these look like and whatever the server tells between them', () => {
  const raw = 'Subject: chaos 7\r\n\r\n* 9 FETCH (UID 99 BODY[] {3}\r\n';
  const answer =
    `* 1 FETCH (UID 4 FLAGS (\\Seen \\Flagged) BODY[] {${raw.length}}\r\n${raw})\r\n` +
    `* 2 FETCH (FLAGS (\\Answered) UID 3)\r\n* 2 FETCH (BODY[] {2}\r\nab UID 6 FLAGS ())\r\nt1 OK done\r\n`;
  const sha = (text: string) => createHash('sha256').update(text).digest('hex');
  expect(oracle.messagesOf(Buffer.from(answer))).toEqual([
    { uid: 4, sha: sha(raw), key: '7', flags: ['\\Seen', '\\Flagged'] },
    { uid: 6, sha: sha('ab'), key: null, flags: [] },
  ]);
});
