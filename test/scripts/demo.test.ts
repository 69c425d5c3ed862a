import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { resolve } from 'node:path';
import { promisify } from 'node:util';

import { simpleParser } from 'mailparser';

import { defaultLimits } from '../../src/config/limits';

interface DemoMessage {
  folder: string;
  flags: string[];
  internalDate: string;
  raw: string;
  kinds: string[];
}

interface DemoRecord {
  externalId: string;
  type: string;
  number?: string;
  company?: string;
  addresses: { address: string; kind: string }[];
}

interface Demo {
  messages: DemoMessage[];
  records: DemoRecord[];
}

const kindsThatMustBeThere = [
  'reply',
  'forward-inline',
  'forward-attached',
  'newsletter',
  'out-of-office',
  'bounce',
  'invitation',
  'inline-image',
  'attachment',
  'charset-iso-8859-2',
  'charset-windows-1252',
  'charset-koi8-r',
  'charset-iso-2022-jp',
  'charset-undeclared',
  'format-flowed',
  'no-message-id',
  'no-date',
  'date-2099',
  'huge-to',
  'group-syntax',
  'encoded-names',
  'html-only',
  'hostile-html',
  'same-bytes-two-folders',
  'same-message-id',
  'unparseable',
  'tnef',
  'signed',
  'empty-body',
  'reply-without-references',
];

/** The generator is an ES module, as all scripts are; it runs in a process of its own, and so twice from nothing. */
async function demoUntil(end: string): Promise<Demo> {
  const code = `
    import { demoMessages } from './scripts/demo/messages.mjs';
    import { demoRecords } from './scripts/demo/records.mjs';
    const messages = await demoMessages({ end: new Date('${end}') });
    const plain = messages.map((message) => ({ ...message, raw: message.raw.toString('base64') }));
    process.stdout.write(JSON.stringify({ messages: plain, records: demoRecords() }));`;
  const run = promisify(execFile);
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', code], {
    cwd: resolve(__dirname, '../..'),
    maxBuffer: 64 * 1024 * 1024,
  });
  return JSON.parse(stdout) as Demo;
}

const bytesOf = (message: DemoMessage): Buffer => Buffer.from(message.raw, 'base64');
const ofKind = (demo: Demo, kind: string): DemoMessage[] => demo.messages.filter(({ kinds }) => kinds.includes(kind));
const sha256 = (demo: Demo): string => createHash('sha256').update(JSON.stringify(demo)).digest('hex');
const headerOf = (message: DemoMessage, name: string): string[] =>
  [
    ...bytesOf(message)
      .toString('latin1')
      .split('\r\n\r\n')[0]!
      .matchAll(new RegExp(`^${name}: (.*)$`, 'gim')),
  ].map((match) => match[1]!.trim());

describe('the demo company', () => {
  let demo: Demo;

  beforeAll(async () => {
    demo = await demoUntil('2026-11-22T00:00:00Z');
  });

  test('is the same, byte for byte, whenever it is made for the same day', async () => {
    expect(sha256(await demoUntil('2026-11-22T00:00:00Z'))).toBe(sha256(demo));
  });

  test('has at least 400 messages of two years that end on the day it is made for', () => {
    const dates = demo.messages.map(({ internalDate }) => Date.parse(internalDate));
    const dayMs = 86_400_000;
    expect(demo.messages.length).toBeGreaterThanOrEqual(400);
    expect(Math.max(...dates)).toBeLessThan(Date.parse('2026-11-22T00:00:00Z'));
    expect(Math.max(...dates)).toBeGreaterThan(Date.parse('2026-11-22T00:00:00Z') - 7 * dayMs);
    expect(Math.min(...dates)).toBeGreaterThanOrEqual(Date.parse('2026-11-22T00:00:00Z') - 731 * dayMs);
    expect(Math.min(...dates)).toBeLessThan(Date.parse('2026-11-22T00:00:00Z') - 700 * dayMs);
  });

  test('fills six folders, one of them with a name that is not ASCII', () => {
    const folders = [...new Set(demo.messages.map(({ folder }) => folder))].sort();
    expect(folders).toEqual(['Archive', 'INBOX', 'Junk', 'Projekte & Kunden Zürich', 'Sent', 'Trash']);
  });

  test.each(kindsThatMustBeThere)('has an example of %s', (kind) => {
    expect(ofKind(demo, kind)).not.toHaveLength(0);
  });

  test('speaks English, German, Dutch and Romanian', async () => {
    const texts = await Promise.all(
      demo.messages.map(async (message) => (await simpleParser(bytesOf(message).subarray(0, 20_000))).text ?? ''),
    );
    const greetings = [
      /^(Dear|Hi|Hello) /m,
      /^(Sehr geehrte|Guten Tag|Hallo) /m,
      /^(Beste|Hoi|Dag) /m,
      /^(Stimat|Bună ziua)/m,
    ];
    for (const greeting of greetings) expect(texts.filter((text) => greeting.test(text)).length).toBeGreaterThan(40);
  });

  test('leaves no slot or choice of a letter unfilled', () => {
    const unfilled = demo.messages.filter(({ raw }) =>
      /\{\w+([+-]\d+)?\}.*\{\w+\}|\[\[|\|\|/.test(Buffer.from(raw, 'base64').toString('latin1')),
    );
    expect(unfilled.map(({ kinds }) => kinds)).toEqual([]);
  });

  test('answers refer to a letter that is in the mailbox', () => {
    const ids = new Set(demo.messages.flatMap((message) => headerOf(message, 'Message-ID')));
    const answers = ofKind(demo, 'reply').flatMap((message) => headerOf(message, 'In-Reply-To'));
    expect(answers.length).toBeGreaterThan(200);
    expect(answers.filter((id) => !ids.has(id))).toEqual([]);
  });

  test('the same mail in two folders is the same bytes', () => {
    for (const twin of ofKind(demo, 'same-bytes-two-folders')) {
      const folders = demo.messages.filter(({ raw }) => raw === twin.raw).map(({ folder }) => folder);
      expect(new Set(folders).size).toBe(2);
    }
  });

  test('one Message-ID stands on two different contents', () => {
    const scans = ofKind(demo, 'same-message-id');
    expect(new Set(scans.map(({ raw }) => raw)).size).toBe(2);
    expect(new Set(scans.flatMap((message) => headerOf(message, 'Message-ID'))).size).toBe(1);
  });

  test('every message but the one that breaks a limit is accepted by mailparser', async () => {
    const refused: string[][] = [];
    for (const message of demo.messages) {
      await simpleParser(bytesOf(message)).catch(() => refused.push(message.kinds));
    }
    expect(refused).toEqual([['unparseable']]);
  });

  test('the one that cannot be parsed has more parts than the limit', () => {
    const [message] = ofKind(demo, 'unparseable');
    expect(bytesOf(message!).toString('latin1').split('\r\n--r').length).toBeGreaterThan(defaultLimits.maxParts);
  });

  test('only reserved domains are written to or from', () => {
    const text = demo.messages.map((message) => bytesOf(message).toString('latin1').split('\r\n\r\n')[0]).join('\n');
    const domains = [...text.matchAll(/^(?:From|To|Cc):.*?<[^@>]+@([^>]+)>/gim)].map((match) =>
      match[1]!.toLowerCase(),
    );
    expect(domains.filter((domain) => !domain.endsWith('.example'))).toEqual([]);
  });

  test('has 40 records of every type that a mailbox meets, with an address that two of them share', () => {
    const types = new Set(demo.records.map(({ type }) => type));
    const addresses = demo.records.flatMap((record) => record.addresses.map(({ address }) => address));
    const shared = addresses.filter((address, index) => addresses.indexOf(address) !== index);
    expect(demo.records).toHaveLength(40);
    expect([...types].sort()).toEqual([
      'company',
      'contact',
      'intermediary',
      'lead',
      'opportunity',
      'project',
      'ticket',
    ]);
    expect(demo.records.find(({ type }) => type === 'project')?.number).toBe('1001');
    expect(shared).toEqual(['tom.hargreaves@whitmore.example']);
  });
});
