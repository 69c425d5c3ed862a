import { mail } from '../support/mail-factory';
import { importScript } from '../support/import-script';

interface DemoScript {
  demoMessages: (wanted: { end: Date; seed?: string }) => Promise<{ raw: Buffer }[]>;
}

const factory: Buffer[] = [
  mail(),
  mail({ from: 'Zoë <zoe@customer.example>', subject: 'Größe und Maß', text: 'Grüße\n\n> quoted\n-- \nZoë' }),
  mail({ html: '<p>Hello <b>there</b> <a href="https://x.example">x</a><img src="cid:1"></p>', text: 'Hello there' }),
  mail({
    html: '<table><tr><td style="color:red">cell</td></tr></table>',
    attachments: [
      { filename: 'Größe.pdf', contentType: 'application/pdf', content: Buffer.alloc(900, 'pdf ') },
      { filename: 'a.png', contentType: 'image/png', content: Buffer.alloc(300, 1), disposition: 'inline', cid: '1' },
    ],
  }),
  mail({ inReplyTo: 'a@b', references: ['a@b', 'c@d'], cc: 'Group: a@x.example, b@y.example;', bcc: 'hid@x.example' }),
  mail({ messageId: null, subject: null, date: null }),
  mail({
    headers: { 'Content-Type': 'multipart/report; report-type=delivery-status; boundary=r' },
    body: '--r\n\nfailed\n--r\nContent-Type: message/delivery-status\n\nAction: failed\n--r\nContent-Type: message/rfc822\n\nSubject: x\n\ny\n--r--\n',
  }),
  mail({
    headers: { 'Content-Type': 'text/plain; charset=utf-8', 'Content-Transfer-Encoding': 'quoted-printable' },
    body: 'Gr=C3=BC=C3=9Fe, a long line that goes on=\nand on =20\n=E2=82=AC 5\n',
  }),
];

/** The messages that are damaged: of the factory, and of the demo's two years, which hold its oddities; the same ones every time. */
export async function corpus(): Promise<Buffer[]> {
  const { demoMessages } = await importScript<DemoScript>('scripts/demo/messages.mjs');
  const demo = await demoMessages({ end: new Date('2026-03-01T00:00:00Z') });
  // Large ones say nothing that the small do not, and would take most of the time.
  return [...factory, ...demo.map(({ raw }) => Buffer.from(raw)).filter(({ length }) => length < 60_000)];
}
