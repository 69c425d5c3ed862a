import { publicId } from '../../../src/domain/ids';
import { issueKey, testApi } from '../../support/api';
import { sharedDovecot } from '../../support/dovecot';
import { mail } from '../../support/mail-factory';
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
