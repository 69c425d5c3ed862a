import { importBatch } from '../../../src/activities/import-batch';
import { newUuid } from '../../../src/db/new-id';
import { publicId } from '../../../src/domain/ids';
import { issueKey, testApi } from '../../support/api';
import { sharedDovecot } from '../../support/dovecot';
import { mail } from '../../support/mail-factory';
import { aRecord } from '../../support/mail-rows';
import { createSyncBench, type SyncBench, type TestMailbox } from '../../support/sync-bench';

let bench: SyncBench;

beforeAll(async () => {
  bench = await createSyncBench(sharedDovecot().imapPort);
});

afterAll(async () => {
  await bench.close();
});

interface Told {
  event: string;
  at: string;
  folder: string | null;
  runId: string | null;
}

async function trail({ tenantId }: TestMailbox, messageId: string): Promise<Told[]> {
  const { headers } = await issueKey(bench.database.db, tenantId);
  const url = `/v1/messages/${publicId('message', messageId)}/trail`;
  const answer = await testApi(bench.database.db).api.inject({ url, headers });
  expect(answer.statusCode).toBe(200);
  return answer.json<{ items: Told[] }>().items;
}

const eventsOf = (items: Told[]) => items.map(({ event }) => event).sort();

test('a message that was moved and then removed on the server tells it, also when it is no more', async () => {
  const mailbox = await bench.connect({ policy: { removals: 'mirror', removalGraceSeconds: 0 } });
  await mailbox.person.append('INBOX', mail({ subject: 'stays' }));
  await mailbox.person.append('INBOX', mail({ subject: 'moves' }));
  await mailbox.syncAll();
  const messageId = (await mailbox.ledger()).find(({ uid }) => uid === 2)?.messageId ?? '';
  const before = ['fetched', 'parsed', 'received', 'recorded', 'seen', 'sent', 'stored'];
  expect(eventsOf(await trail(mailbox, messageId))).toEqual(before);

  await mailbox.person.move('INBOX', 2, 'Archive');
  await mailbox.syncAll();
  const moved = await trail(mailbox, messageId);
  expect(eventsOf(moved)).toEqual([...before, 'left', 'moved', 'received', 'seen'].sort());
  expect(moved.find(({ event }) => event === 'moved')).toMatchObject({ folder: 'Archive' });

  await mailbox.person.expunge('Archive', [1]);
  await mailbox.round();
  const removed = await trail(mailbox, messageId);
  expect(eventsOf(removed)).toEqual(['left', 'recorded', 'removed', 'seen']);
  expect(removed.at(-1)).toMatchObject({ event: 'removed' });
  for (const told of [moved, removed]) expect(told.map(({ at }) => at)).toEqual(told.map(({ at }) => at).sort());
});

const runsOf = (items: Told[]) => items.map(({ event, runId }) => `${event} ${runId ?? '-'}`).sort();

test('each step names the run that did it, and what none of ours did names none', async () => {
  const mailbox = await bench.connect({ policy: { removals: 'mirror', removalGraceSeconds: 0 } });
  const { tenantId, mailboxId } = mailbox;
  await aRecord(bench.database.db, tenantId, { addresses: ['ada@customer.example'] });
  await mailbox.syncAll();
  for (const subject of ['stays', 'moves']) {
    await mailbox.person.append('INBOX', mail({ subject, from: 'ada@customer.example' }));
  }
  const [came, moved, gone] = [newUuid(), newUuid(), newUuid()];
  await mailbox.round(came);
  const messageId = (await mailbox.ledger()).find(({ uid }) => uid === 2)?.messageId ?? '';
  const ofCame = ['fetched', 'matched', 'parsed', 'recorded', 'seen', 'stored'].map((event) => `${event} ${came}`);
  expect(runsOf(await trail(mailbox, messageId))).toEqual([...ofCame, 'received -', 'sent -'].sort());

  await mailbox.person.move('INBOX', 2, 'Archive');
  await mailbox.round(moved);
  await importBatch(
    bench.context,
    { signal: new AbortController().signal, heartbeat: () => undefined, runId: moved },
    { tenantId, mailboxId },
  );
  const ofMoved = ['left', 'moved', 'seen'].map((event) => `${event} ${moved}`);
  expect(runsOf(await trail(mailbox, messageId))).toEqual(
    [...ofCame, ...ofMoved, 'received -', 'received -', 'sent -'].sort(),
  );

  await mailbox.person.expunge('Archive', [1]);
  await mailbox.round(gone);
  const told = [`left ${moved}`, `recorded ${came}`, `removed ${gone}`, `seen ${came}`];
  expect(runsOf(await trail(mailbox, messageId))).toEqual(told);
});
