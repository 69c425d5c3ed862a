// @ts-check
import { demoAddress, demoDomain } from './company.mjs';
import { diceOf } from './dice.mjs';
import { strangeBodies } from './odd-words.mjs';
import { encodedWord, plain, to } from './oddity.mjs';

/** @param {string} seed @returns {import('./oddity.mjs').Oddity[]} */
export function oddHeaders(seed) {
  const crowd = Array.from(
    { length: 320 },
    (_, index) => `lieferant${String(index + 1).padStart(3, '0')}@supplier${index % 40}.example`,
  );
  const { supplierDay, group, twice, noReferences } = strangeBodies;
  return [
    {
      kind: 'no-message-id',
      daysAgo: 93,
      messageId: null,
      head: [
        'From: Multifunktionsdrucker <scanner@loewenberg-print.example>',
        to,
        'Subject: Scan vom Drucker im Flur',
        ...plain('utf-8'),
      ],
      body: 'Gescanntes Dokument, 1 Seite. Bitte nicht antworten.\r\n',
    },
    {
      kind: 'no-date',
      daysAgo: 71,
      date: null,
      head: [`From: NX4 <nx4-004410@devices.${demoDomain}>`, to, 'Subject: NX4-004410 started', ...plain('us-ascii')],
      body: 'boot ok, 12 loggers, clock not set\r\n',
    },
    {
      kind: 'date-2099',
      daysAgo: 58,
      date: 'Thu, 01 Jan 2099 00:00:07 +0000',
      head: [
        `From: NX4 <nx4-007723@devices.${demoDomain}>`,
        to,
        'Subject: NX4-007723 battery replaced',
        ...plain('us-ascii'),
      ],
      body: 'battery replaced, clock set by hand\r\n',
    },
    {
      kind: 'huge-to',
      daysAgo: 164,
      head: [
        'From: Sanne Bakker <sanne@bakkerkoelhuizen.example>',
        `To: ${[demoAddress, ...crowd].join(',\r\n ')}`,
        'Subject: Leveranciersdag in Rotterdam',
        ...plain('utf-8'),
      ],
      body: supplierDay,
    },
    {
      kind: 'group-syntax',
      daysAgo: 139,
      head: [
        'From: =?utf-8?Q?B=C3=A9atrice_Favre?= <einkauf@alpstein.example>',
        `To: Messtechnik: Mara Lindner <${demoAddress}>, jonas.weber@${demoDomain};, Verteiler:;`,
        'Cc: undisclosed-recipients:;',
        'Subject: Neue Lieferanschrift ab Monatsende',
        ...plain('utf-8'),
      ],
      body: group,
    },
    {
      kind: 'encoded-names',
      daysAgo: 82,
      head: [
        'From: =?utf-8?Q?M=C4=83d=C4=83lina?=\r\n =?utf-8?Q?_=C8=9Aurcanu?= <madalina.turcanu@carpatifarma.example>',
        `To: =?iso-8859-1?Q?Lindner=2C_Mara?= <${demoAddress}>`,
        `Cc: ${encodedWord('UTF-8', 'Ștefan Ionescu')} <stefan.ionescu@carpatifarma.example>`,
        'Subject: =?UTF-8?B?Q29uZmlybcSD?=\r\n =?UTF-8?Q?m_edi=C8=9Bia_nou=C4=83?=',
        ...plain('utf-8'),
      ],
      body: 'Bună ziua,\r\n\r\nconfirmăm că am primit ediția nouă a manualului și am instruit personalul.\r\n\r\nCu stimă\r\nMădălina Țurcanu\r\n',
    },
    {
      kind: 'upper-case-address',
      daysAgo: 49,
      head: [
        'From: ELEANOR FINCH <Eleanor@HarbourFinch.EXAMPLE>',
        to,
        'Subject: SORRY FOR SHOUTING',
        ...plain('us-ascii'),
      ],
      body: 'MY KEYBOARD IS STUCK. THE NEW SENSOR IN THE RIESLING BAY IS SPLENDID.\r\n\r\nE.\r\n',
    },
    ...['Lieferschein 88120', 'Lieferschein 88121'].map((name, index) => ({
      kind: 'same-message-id',
      daysAgo: 36 - index,
      messageId: '<scan-to-mail@copier.alpstein.example>',
      head: ['From: Kopierer Wareneingang <kopierer@alpstein.example>', to, `Subject: ${name}`, ...plain('utf-8')],
      body: twice.replace('{name}', name).replace('{code}', diceOf(`${seed}/${name}`).hex(8)),
    })),
    {
      kind: 'reply-without-references',
      daysAgo: 24,
      head: [
        'From: Daan van der Meer <daan@vandermeerbloemen.example>',
        to,
        'Subject: Re: Verlenging servicecontract',
        ...plain('utf-8'),
      ],
      body: noReferences,
    },
    {
      kind: 'empty-body',
      daysAgo: 19,
      head: [
        'From: Ruben Hoekstra <r.hoekstra@bakkerkoelhuizen.example>',
        to,
        'Subject: (sleutel ligt bij de portier)',
        ...plain('utf-8'),
      ],
      body: '',
    },
    {
      kind: 'no-subject',
      daysAgo: 14,
      head: ['From: =?utf-8?Q?Se=C3=A1n_Kelly?= <maintenance@corribseafoods.example>', to, ...plain('utf-8')],
      body: 'Fixed it, it was the fuse.\r\n\r\nSeán\r\n',
    },
  ];
}
