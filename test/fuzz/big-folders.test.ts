import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

import { mailboxForSync } from '../../src/db/sync/mailbox-for-sync';
import { auditOf } from '../support/audit-of';
import { createSyncBench, type SyncBench, type TestMailbox } from '../support/sync-bench';
import { watchLoop } from './loop-watch';

// A machine that is busy with other tests computes at half its speed: a stall of ours is there each time.
jest.retryTimes(2);

/* What a worker does for one mailbox keeps no other mailbox waiting, however many messages a folder has. */
const mostStallMs = 200;

let bench: SyncBench;
let server: ChildProcess;
let commands: string[];

beforeAll(async () => {
  bench = await createSyncBench(0);
});

afterAll(async () => {
  await bench.close();
});

afterEach(async () => {
  await bench.context.connections.closeAll();
  server.kill();
  await once(server, 'exit');
});

interface Told {
  port?: number;
  messages?: number;
  command?: string;
}

/** A mailbox on a server of its own process, of which only mail that comes from now on is wanted. */
async function connect(messages: number, each = 1): Promise<TestMailbox> {
  commands = [];
  server = fork(join(__dirname, 'big-folder-server.cjs'), [String(messages), String(each)], { execArgv: [] });
  const [{ port }] = (await once(server, 'message')) as [Told];
  server.on('message', ({ command }: Told) => {
    if (command !== undefined) commands.push(command);
  });
  return bench.connect({ port: port ?? 0, withoutPerson: true, policy: { start: { from: 'now' }, flags: 'ignore' } });
}

async function grow(messages: number): Promise<void> {
  const grown = new Promise<void>((resolve) => {
    server.on('message', (told: Told) => {
      if (told.messages === messages) resolve();
    });
  });
  server.send(messages);
  await grown;
}

async function watched<Result>(work: () => Promise<Result>): Promise<{ result: Result; longestStallMs: number }> {
  const watch = watchLoop();
  const result = await work();
  return { result, longestStallMs: watch.stop().longestStallMs };
}

test.each([
  ['in ranges of ten', 1],
  ['with every third UID', 3],
])('a folder of 200,000 messages %s is listed, recorded, followed and compared without a stall', async (_, each) => {
  const messages = 200_000;
  const mailbox = await connect(messages, each);
  const first = await watched(() => mailbox.round());
  await grow(messages + 2);
  const second = await watched(() => mailbox.round());
  const audit = await watched(() => auditOf(bench, mailbox, 'daily'));
  expect(first.result).toMatchObject({ kind: 'done', filtered: messages });
  expect(second.result).toMatchObject({ kind: 'done', recorded: 2 });
  expect(audit.result).toMatchObject({ kind: 'done', state: 'done' });
  const [ofFirst, ofSecond, ofAudit] = [first, second, audit].map(({ longestStallMs }) => longestStallMs);
  expect(ofFirst).toBeLessThan(mostStallMs);
  expect(ofSecond).toBeLessThan(mostStallMs);
  expect(ofAudit).toBeLessThan(mostStallMs);
});

test('a folder of 400,000 messages is listed by ranges of UIDs, all of it and without a stall', async () => {
  const mailbox = await connect(400_000);
  const source = await mailboxForSync(bench.context.db, mailbox);
  const connection = await bench.context.connect(source!);
  const folder = await connection.examine('INBOX');
  const { result, longestStallMs } = await watched(() => folder.listUids());
  await connection.close();
  expect(result.proven).toBe(true);
  expect(result.uids).toHaveLength(400_000);
  expect(commands.filter((command) => command.startsWith('UID SEARCH'))).toHaveLength(16);
  expect(commands.filter((command) => /^UID SEARCH (?:ALL *$|.*UID 1:\*)/.test(command))).toEqual([]);
  expect(longestStallMs).toBeLessThan(mostStallMs);
});
