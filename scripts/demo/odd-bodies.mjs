// @ts-check
import { diceOf } from './dice.mjs';
import { pdf, photo, tnef } from './enclosures.mjs';
import { strangeBodies } from './odd-words.mjs';
import { base64, to } from './oddity.mjs';

/** @param {string} seed @returns {import('./oddity.mjs').Oddity[]} */
export function oddBodies(seed) {
  const dice = diceOf(`${seed}/oddities`);
  const { htmlOnly, hostile, signed } = strangeBodies;
  const html = ['MIME-Version: 1.0', 'Content-Type: text/html; charset=utf-8', 'Content-Transfer-Encoding: 8bit'];
  const winmail = tnef('Messprotokoll', 'Guten Tag Frau Lindner, das Messprotokoll ist beigelegt. Thomas Grüner', {
    name: 'PROTOK~1.PDF',
    content: pdf(['Messprotokoll', 'Kühlzelle 4']),
  });
  const signature = Buffer.concat([
    Buffer.from([0x30, 0x82, 0x01, 0x2c, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02]),
    Buffer.from(dice.hex(570), 'hex'),
  ]);
  return [
    {
      kind: 'html-only',
      daysAgo: 211,
      head: [
        'From: Fenna Visser <fenna.visser@vandermeerbloemen.example>',
        to,
        'Subject: Planning koelcellen week 20',
        ...html,
      ],
      body: htmlOnly,
    },
    {
      kind: 'hostile-html',
      daysAgo: 66,
      head: [
        'From: "Microsoft 0365" <security@0365-login.example>',
        to,
        'Subject: Action required: your password expires today',
        ...html,
      ],
      body: hostile,
    },
    {
      kind: 'tnef',
      daysAgo: 152,
      head: [
        'From: =?utf-8?Q?Thomas_Gr=C3=BCner?= <t.gruener@klinikum-sonnenhof.example>',
        to,
        'Subject: Messprotokoll',
        'MIME-Version: 1.0',
        'X-MS-TNEF-Correlator: <00000000D1A5>',
        'Content-Type: multipart/mixed; boundary="tnef"',
      ],
      body: [
        '--tnef',
        'Content-Type: text/plain; charset=us-ascii',
        '',
        'Guten Tag Frau Lindner, das Messprotokoll ist beigelegt.',
        '--tnef',
        'Content-Type: application/ms-tnef; name="winmail.dat"',
        'Content-Transfer-Encoding: base64',
        'Content-Disposition: attachment; filename="winmail.dat"',
        '',
        `${base64(winmail)}--tnef--`,
        '',
      ].join('\r\n'),
    },
    {
      kind: 'signed',
      daysAgo: 104,
      head: [
        'From: Katrin Vogelsang <k.vogelsang@klinikum-sonnenhof.example>',
        to,
        'Subject: Freigabe der Alarmgrenzen',
        'MIME-Version: 1.0',
        'Content-Type: multipart/signed; protocol="application/pkcs7-signature"; micalg=sha-256; boundary="smime"',
      ],
      body: [
        '--smime',
        'Content-Type: text/plain; charset=utf-8',
        'Content-Transfer-Encoding: quoted-printable',
        '',
        signed,
        '--smime',
        'Content-Type: application/pkcs7-signature; name="smime.p7s"',
        'Content-Transfer-Encoding: base64',
        'Content-Disposition: attachment; filename="smime.p7s"',
        '',
        `${base64(signature)}--smime--`,
        '',
      ].join('\r\n'),
    },
    {
      kind: 'rfc2231-filename',
      daysAgo: 127,
      head: [
        'From: =?utf-8?Q?J=C3=BCrgen_Pf=C3=A4ffle?= <juergen.pfaeffle@xn--lwenberg-n4a.example>',
        to,
        'Subject: Bild vom Lagerkeller',
        'MIME-Version: 1.0',
        'Content-Type: multipart/mixed; boundary="bild"',
      ],
      body: [
        '--bild',
        'Content-Type: text/plain; charset=utf-8',
        '',
        'Hallo Frau Lindner, hier das Bild. Der Fühler ist der kleine graue links.',
        '--bild',
        'Content-Type: image/png',
        "Content-Disposition: attachment; filename*0*=UTF-8''L%C3%B6wenberg%20Lager;\r\n filename*1*=keller%20F%C3%BChler.png",
        'Content-Transfer-Encoding: base64',
        '',
        `${base64(photo(dice))}--bild--`,
        '',
      ].join('\r\n'),
    },
    {
      kind: 'unparseable',
      daysAgo: 88,
      head: [
        'From: Steuerung Halle 7 <plc@bakkerkoelhuizen.example>',
        to,
        'Subject: 1200 readings, one attachment each',
        'MIME-Version: 1.0',
        'Content-Type: multipart/mixed; boundary="r"',
      ],
      body: [
        ...Array.from(
          { length: 1_200 },
          (_, index) =>
            `--r\r\nContent-Type: text/plain; name="reading-${index + 1}.txt"\r\nContent-Disposition: attachment\r\n\r\n${(-20 + dice.roll()).toFixed(2)}`,
        ),
        '--r--',
        '',
      ].join('\r\n'),
    },
  ];
}
