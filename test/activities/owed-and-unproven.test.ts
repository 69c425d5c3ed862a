import { runRound } from '../../src/activities/run-round';
import { mailboxForSync } from '../../src/db/sync/mailbox-for-sync';
import { defaultPolicy } from '../../src/domain/policy';
import { mail } from '../support/mail-factory';
import { folderOf } from '../support/scripted-imap-folder';
import { startScriptedServer, type ScriptedServer } from '../support/scripted-imap-server';
import { createSyncBench, type SyncBench, type TestMailbox } from '../support/sync-bench';

let bench: SyncBench;
let server: ScriptedServer;
let mailbox: TestMailbox;

beforeAll(async () => {
  bench = await createSyncBench(0);
});

afterAll(async () => {
  await bench.close();
});

/** A mailbox of two folders that is live, and was compared long ago. */
beforeEach(async () => {
  const messages = [{ uid: 1, raw: mail({ subject: 'first' }) }];
  server = await startScriptedServer({
    folders: { INBOX: { uidValidity: '7', messages }, Side: { uidValidity: '8', messages } },
  });
  mailbox = await bench.connect({ port: server.port, user: 'somebody', withoutPerson: true });
  await mailbox.syncAll();
  await mailbox.round();
  await query(
    `UPDATE mailbox SET audited_at = now() - interval '1 day', audit_tried_at = NULL, audit_due_at = now() + interval '1 hour', audit_cause = 'daily'`,
  );
});

afterEach(async () => {
  await bench.context.connections.closeAll();
  await server.stop();
});

const query = <Row extends object>(text: string): Promise<Row[]> =>
  bench.database.db.inTenant(mailbox.tenantId, (sql) => sql.query<Row>(text));

const standing = async () => {
  const [row] = await query<{ state: string; reason: string | null }>(
    'SELECT state, state_reason AS reason FROM mailbox',
  );
  return row;
};

const audit = async () => {
  const [row] = await query<{ cause: string; due: boolean }>(
    'SELECT audit_cause AS cause, audit_due_at <= now() AS due FROM mailbox',
  );
  return row;
};

/** A round after one in which a listing was, or was not, unproven. */
async function roundAfter(unprovenBefore: boolean) {
  const { tenantId, mailboxId } = mailbox;
  const read = await mailboxForSync(bench.context.db, mailbox);
  if (read === null) throw new Error('the mailbox is gone');
  const run = { signal: new AbortController().signal, heartbeat: () => undefined };
  return runRound(bench.context, run, { tenantId, mailboxId, fence: read.fence, unprovenBefore });
}

function deliver(uid: number, path = 'INBOX'): void {
  const folder = server.folders.get(path);
  const [arrived] = folderOf({ messages: [{ uid, raw: mail({ subject: String(uid) }) }] }).messages;
  if (folder === undefined || arrived === undefined) throw new Error('no such folder');
  folder.messages.push(arrived);
  Object.assign(folder, { uidNext: uid + 1, highestModseq: String(uid) });
}

/** STATUS counts more messages than the folder shows when it is open. */
function statusCountsMore(path: string): void {
  server.on['STATUS'] = (context) => {
    const folder = server.folders.get(path);
    if (!context.args.includes(path) || folder === undefined) {
      context.usual();
      return;
    }
    const { uidNext, uidValidity, highestModseq, messages } = folder;
    context.send(
      `* STATUS "${path}" (MESSAGES ${String(messages.length + 3)} UIDNEXT ${String(uidNext)} UIDVALIDITY ${uidValidity} HIGHESTMODSEQ ${String(highestModseq)})`,
    );
    context.ok();
  };
}

const refreshMs = defaultPolicy.refreshSeconds * 1_000;

test('an ordinary round owes nothing, and says nothing more', async () => {
  deliver(2);
  expect(await mailbox.round()).toMatchObject({ kind: 'done', recorded: 1, owed: 0, unproven: 0 });
  expect(await standing()).toEqual({ state: 'live', reason: null });
});

test('a message that is listed and not delivered is told of until it comes', async () => {
  deliver(2);
  server.on['UID FETCH'] = (context) => {
    if (context.args.includes('BODY')) context.ok();
    else context.usual();
  };
  expect(await mailbox.round()).toMatchObject({
    ...{ kind: 'done', recorded: 0, owed: 1, unproven: 0 },
    lookAgainMs: refreshMs,
  });
  expect(await standing()).toEqual({ state: 'live', reason: 'not-delivered' });
  server.on = {};
  expect(await mailbox.round()).toMatchObject({ kind: 'done', recorded: 1, owed: 0 });
  expect(await standing()).toEqual({ state: 'live', reason: null });
});

test('a folder that STATUS counts more in than it shows is told of, and its new mail is recorded', async () => {
  deliver(2, 'Side');
  statusCountsMore('Side');
  expect(await mailbox.round()).toMatchObject({
    ...{ kind: 'done', recorded: 1, owed: 0, unproven: 1 },
    lookAgainMs: refreshMs,
  });
  expect(await standing()).toEqual({ state: 'live', reason: 'listing-not-proven' });
  expect(await audit()).toEqual({ cause: 'daily', due: false });
  server.on = {};
  expect(await mailbox.round()).toMatchObject({ kind: 'done', unproven: 0 });
  expect(await standing()).toEqual({ state: 'live', reason: null });
});

test('a listing that is unproven in two rounds running asks for an audit', async () => {
  deliver(2);
  statusCountsMore('INBOX');
  expect(await roundAfter(false)).toMatchObject({ unproven: 1 });
  expect(await audit()).toEqual({ cause: 'daily', due: false });
  expect(await roundAfter(true)).toMatchObject({ unproven: 1 });
  expect(await audit()).toEqual({ cause: 'unproven', due: true });
});

test('a mailbox that is known to be incomplete is compared by its own clock', async () => {
  statusCountsMore('INBOX');
  await query(`UPDATE mailbox SET flags = '{incomplete}'`);
  expect(await roundAfter(true)).toMatchObject({ unproven: 1 });
  expect(await audit()).toEqual({ cause: 'daily', due: false });
});
