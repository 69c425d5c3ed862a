// @ts-check
import { crc32, deflateSync } from 'node:zlib';

/** Real files, small, made from what the letters speak of. */

/**
 * One page of text as a PDF (ISO 32000-1), which any reader opens.
 * @param {string[]} lines the first is the heading
 */
export function pdf(lines) {
  const [heading = '', ...rest] = lines.map(pdfText);
  const page = [
    `BT /F1 16 Tf 60 780 Td (${heading}) Tj /F1 10 Tf 0 -28 Td 15 TL`,
    ...rest.map((line) => `(${line}) Tj T*`),
    'ET',
  ].join('\n');
  const objects = [
    '<< /Type /Catalog /Pages 2 0 R >>',
    '<< /Type /Pages /Kids [3 0 R] /Count 1 >>',
    '<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>',
    `<< /Length ${page.length} >>\nstream\n${page}\nendstream`,
    '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>',
  ];
  let file = '%PDF-1.4\n';
  const offsets = objects.map((object, index) => {
    const offset = file.length;
    file += `${index + 1} 0 obj\n${object}\nendobj\n`;
    return offset;
  });
  const table = offsets.map((offset) => `${String(offset).padStart(10, '0')} 00000 n \n`).join('');
  file += `xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${table}trailer\n<< /Size ${objects.length + 1} /Root 1 0 R >>\nstartxref\n${file.length}\n%%EOF\n`;
  return Buffer.from(file, 'latin1');
}

/** Latin-1 keeps its letters, others lose their marks; brackets are escaped. @param {string} line */
function pdfText(line) {
  const latin = line.normalize('NFC').replace(/[^ -\xff]/g, (letter) => {
    const plain = letter === '€' ? 'EUR' : letter.normalize('NFD').replace(/[^\x20-\x7e]/g, '');
    return plain === '' ? '-' : plain;
  });
  return latin.replace(/[\\()]/g, '\\$&');
}

/**
 * A picture as PNG (RFC 2083), 8 bits a colour.
 * @param {number} width @param {number} height @param {(x: number, y: number) => [number, number, number]} colourAt
 */
function png(width, height, colourAt) {
  const rows = Buffer.alloc(height * (1 + width * 3));
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) rows.set(colourAt(x, y), y * (1 + width * 3) + 1 + x * 3);
  }
  const size = Buffer.alloc(13);
  size.writeUInt32BE(width, 0);
  size.writeUInt32BE(height, 4);
  size.set([8, 2, 0, 0, 0], 8);
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([
    signature,
    chunk('IHDR', size),
    chunk('IDAT', deflateSync(rows)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

/** @param {string} type @param {Buffer} content */
function chunk(type, content) {
  const named = Buffer.concat([Buffer.from(type, 'ascii'), content]);
  const frame = Buffer.alloc(8);
  frame.writeUInt32BE(content.length, 0);
  frame.writeUInt32BE(crc32(named), 4);
  return Buffer.concat([frame.subarray(0, 4), named, frame.subarray(4)]);
}

/** What a camera saw: a grey wall, a box, three lamps. @param {import('./dice.mjs').Dice} dice */
export function photo(dice) {
  const lit = dice.between(0, 2);
  const shade = dice.between(90, 150);
  return png(160, 120, (x, y) => {
    const lamp = [50, 80, 110].findIndex((middle) => (x - middle) ** 2 + (y - 60) ** 2 < 49);
    if (lamp >= 0) return lamp === lit ? [220, 40, 30] : [60, 70, 60];
    const inBox = x > 25 && x < 135 && y > 35 && y < 85;
    return inBox ? [30, 34, 40] : [shade + (y >> 2), shade + (y >> 2), shade + (x >> 4)];
  });
}

/** The sign of Nordlicht for signatures. */
export function logo() {
  return png(96, 24, (x, y) => {
    const band = Math.abs(y - 12 - 6 * Math.sin(x / 12));
    return band < 3 ? [20, 150, 120] : [245, 247, 250];
  });
}

/** Readings of a day, one a quarter of an hour. @param {import('./dice.mjs').Dice} dice @param {Date} day @param {number} limit */
export function readings(dice, day, limit) {
  const rows = Array.from({ length: 96 }, (_, quarter) => {
    const at = new Date(day.getTime() + quarter * 900_000).toISOString().slice(0, 16).replace('T', ' ');
    return `${at};${(limit - 2 + dice.roll() * 1.4).toFixed(1)};${dice.between(0, 20) === 0 ? 'open' : 'closed'}`;
  });
  return Buffer.from(['time;celsius;door', ...rows, ''].join('\r\n'), 'utf8');
}

/** A ZIP archive with files stored as they are (PKWARE APPNOTE 4.3). @param {{name: string, content: Buffer}[]} files */
export function zip(files) {
  /** @type {Buffer[]} */
  const locals = [];
  /** @type {Buffer[]} */
  const directory = [];
  let offset = 0;
  for (const { name, content } of files) {
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(0x0800, 2); // names are UTF-8
    common.writeUInt16LE(0x5821, 8); // a fixed day
    common.writeUInt32LE(crc32(content), 10);
    common.writeUInt32LE(content.length, 14);
    common.writeUInt32LE(content.length, 18);
    common.writeUInt16LE(Buffer.byteLength(name), 22);
    const local = Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), common, Buffer.from(name), content]);
    const where = Buffer.alloc(14);
    where.writeUInt32LE(offset, 10);
    directory.push(Buffer.concat([Buffer.from('PK\x01\x02\x14\x00', 'latin1'), common, where, Buffer.from(name)]));
    locals.push(local);
    offset += local.length;
  }
  const entries = Buffer.concat(directory);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(files.length, 4);
  end.writeUInt16LE(files.length, 6);
  end.writeUInt32LE(entries.length, 8);
  end.writeUInt32LE(offset, 12);
  return Buffer.concat([...locals, entries, Buffer.from('PK\x05\x06', 'latin1'), end]);
}

/**
 * An appointment (RFC 5545).
 * @param {{uid: string, method: 'REQUEST' | 'REPLY', stamp: Date, start: Date, minutes: number, title: string, place: string,
 *   organizer: string, attendees: string[]}} event
 */
export function calendar(event) {
  const answer = event.method === 'REPLY' ? ';PARTSTAT=ACCEPTED' : ';PARTSTAT=NEEDS-ACTION;RSVP=TRUE';
  return [
    'BEGIN:VCALENDAR',
    'VERSION:2.0',
    'PRODID:-//Nordlicht//Calendar 3//EN',
    `METHOD:${event.method}`,
    'BEGIN:VEVENT',
    `UID:${event.uid}`,
    `DTSTAMP:${icalTime(event.stamp)}`,
    `DTSTART:${icalTime(event.start)}`,
    `DTEND:${icalTime(new Date(event.start.getTime() + event.minutes * 60_000))}`,
    `SUMMARY:${event.title.replace(/[,;\\]/g, '\\$&')}`,
    `LOCATION:${event.place.replace(/[,;\\]/g, '\\$&')}`,
    `ORGANIZER:mailto:${event.organizer}`,
    ...event.attendees.map((attendee) => `ATTENDEE${answer}:mailto:${attendee}`),
    'SEQUENCE:0',
    'END:VEVENT',
    'END:VCALENDAR',
    '',
  ].join('\r\n');
}

/** @param {Date} date */
function icalTime(date) {
  return date.toISOString().replace(/[-:]|\.\d{3}/g, '');
}

/** What Outlook sends as winmail.dat (MS-OXTNEF 2.1): a subject, a text and one file. @param {string} subject @param {string} text @param {{name: string, content: Buffer}} file */
export function tnef(subject, text, file) {
  const start = Buffer.alloc(6);
  start.writeUInt32LE(0x223e9f78, 0);
  start.writeUInt16LE(0x0001, 4);
  const codepage = Buffer.alloc(8);
  codepage.writeUInt32LE(1252, 0);
  const rendering = Buffer.alloc(14);
  rendering.writeUInt16LE(1, 0);
  rendering.writeInt32LE(-1, 2);
  return Buffer.concat([
    start,
    attribute(1, 0x00089006, Buffer.from([0, 0, 1, 0])),
    attribute(1, 0x00069007, codepage),
    attribute(1, 0x00078008, Buffer.from('IPM.Microsoft Mail.Note\0', 'latin1')),
    attribute(1, 0x00018004, Buffer.from(`${subject}\0`, 'latin1')),
    attribute(1, 0x0002800c, Buffer.from(`${text}\0`, 'latin1')),
    attribute(2, 0x00069002, rendering),
    attribute(2, 0x00018010, Buffer.from(`${file.name}\0`, 'latin1')),
    attribute(2, 0x0006800f, file.content),
  ]);
}

/** @param {number} level @param {number} id @param {Buffer} content */
function attribute(level, id, content) {
  const head = Buffer.alloc(9);
  head.writeUInt8(level, 0);
  head.writeUInt32LE(id, 1);
  head.writeUInt32LE(content.length, 5);
  const sum = Buffer.alloc(2);
  sum.writeUInt16LE(
    content.reduce((total, byte) => (total + byte) & 0xffff, 0),
    0,
  );
  return Buffer.concat([head, content, sum]);
}
