// @ts-check
import iconv from 'iconv-lite';

import { strangeBodies } from './odd-words.mjs';
import { encodedWord, plain, to } from './oddity.mjs';

/** EUC-JP without its high bits between two escapes is ISO-2022-JP (RFC 1468). @param {string} text */
function iso2022jp(text) {
  return Buffer.concat(
    text.split(/([ -~\s]+)/).map((piece, index) => {
      if (index % 2 === 1 || piece === '') return Buffer.from(piece, 'ascii');
      const low = iconv.encode(piece, 'EUC-JP').map((byte) => byte & 0x7f);
      return Buffer.concat([Buffer.from('\x1b$B', 'latin1'), low, Buffer.from('\x1b(B', 'latin1')]);
    }),
  );
}

/** @returns {import('./oddity.mjs').Oddity[]} */
export function oddCharsets() {
  const { romanian, bristol, russian, japanese, brewery } = strangeBodies;
  return [
    {
      kind: 'charset-iso-8859-2',
      daysAgo: 341,
      head: [
        'From: Stefan Ionescu <stefan.ionescu@carpatifarma.example>',
        to,
        `Subject: ${encodedWord('ISO-8859-2', 'Situaţia sondelor din camera veche')}`,
        ...plain('ISO-8859-2'),
      ],
      body: iconv.encode(romanian, 'ISO-8859-2'),
    },
    {
      kind: 'charset-windows-1252',
      daysAgo: 187,
      head: [
        "From: Declan O'Rourke <declan@harbourfinch.example>",
        to,
        'Subject: =?windows-1252?Q?Cellar_=96_a_quick_one?=',
        ...plain('windows-1252'),
      ],
      body: iconv.encode(bristol, 'windows-1252'),
    },
    {
      kind: 'charset-koi8-r',
      daysAgo: 264,
      head: [
        `From: ${encodedWord('KOI8-R', 'Отдел продаж')} <sales@baltpribor.example>`,
        to,
        `Subject: ${encodedWord('KOI8-R', 'Коммерческое предложение: датчики')}`,
        ...plain('KOI8-R'),
      ],
      body: iconv.encode(russian, 'KOI8-R'),
    },
    {
      kind: 'charset-iso-2022-jp',
      daysAgo: 229,
      head: [
        `From: =?ISO-2022-JP?B?${iso2022jp('山田太郎').toString('base64')}?= <yamada@sakura-sensor.example>`,
        to,
        `Subject: =?ISO-2022-JP?B?${iso2022jp('センサーの見積もりについて').toString('base64')}?=`,
        'MIME-Version: 1.0',
        'Content-Type: text/plain; charset=ISO-2022-JP',
        'Content-Transfer-Encoding: 7bit',
      ],
      body: iso2022jp(japanese),
    },
    {
      kind: 'charset-undeclared',
      daysAgo: 118,
      head: ['From: sudhaus@xn--lwenberg-n4a.example', to, Buffer.from('Subject: Störung Gärkeller', 'latin1')],
      body: Buffer.from(brewery, 'latin1'),
    },
  ];
}
