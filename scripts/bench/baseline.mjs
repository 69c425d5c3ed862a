// @ts-check
// What others do with the same mailbox, in a process of its own: `node scripts/bench/baseline.mjs fetch|parse SERVER-AS-JSON`.
import { simpleParser } from 'mailparser';

import { imapClient } from '../demo/deliver.mjs';
import { peakMegabytesOf } from './processes.mjs';

const [, , kind, server = ''] = process.argv;
const client = imapClient(JSON.parse(server));
await client.connect();
await client.mailboxOpen('INBOX', { readOnly: true });
const began = performance.now();
let messages = 0;
let bytes = 0;
for await (const message of client.fetch('1:*', { source: true, uid: true })) {
  if (!message.source) continue;
  messages += 1;
  bytes += message.source.length;
  if (kind === 'parse') await simpleParser(message.source);
}
const seconds = (performance.now() - began) / 1_000;
const { user, system } = process.cpuUsage();
const peakMegabytes = peakMegabytesOf(process.pid);
process.stdout.write(JSON.stringify({ messages, bytes, seconds, cpuSeconds: (user + system) / 1e6, peakMegabytes }));
await client.logout();
