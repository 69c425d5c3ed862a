import { createGate } from '../../../src/domain/gate';
import { HeldMailbox } from '../../../src/activities/shard/held-mailbox';
import type { ShardPoke } from '../../../src/activities/shard/poker';
import type { WatchMailbox, Watching } from '../../../src/activities/shard/watching';
import { defaultLimits } from '../../../src/config/limits';
import { newUuid } from '../../../src/db/new-id';
import { readRoster, type RosterMailbox } from '../../../src/db/watch/roster';
import { MailFailure } from '../../../src/domain/failure';
import type { ListedFolder } from '../../../src/domain/folder';
import { shardOf } from '../../../src/domain/shard';
import type { MailboxWatch } from '../../../src/mail/watch/mailbox-watch';
import { insertFolder } from '../../support/ledger-rows';
import { until } from '../../support/shard-bench';
import { createSyncBench, type SyncBench } from '../../support/sync-bench';

let bench: SyncBench;

beforeAll(async () => {
  bench = await createSyncBench(1);
});

afterAll(() => bench.close());

/** A mailbox that had its first round, as the roster shows it, and these folders in the ledger. */
async function mailboxWith(folders: string[]): Promise<RosterMailbox> {
  const { tenantId, mailboxId } = await bench.connect({ withoutPerson: true });
  await bench.database.db.inTenant(tenantId, async (sql) => {
    await sql.execute(
      `UPDATE mailbox SET state = 'live', last_success_at = now() WHERE tenant_id = $1 AND source_id = $2`,
      [tenantId, mailboxId],
    );
    for (const path of folders) {
      await sql.execute('INSERT INTO folder (tenant_id, id, source_id, path, in_scope) VALUES ($1, $2, $3, $4, true)', [
        tenantId,
        newUuid(),
        mailboxId,
        path,
      ]);
    }
  });
  const roster = await readRoster(bench.database.db, [shardOf(mailboxId)]);
  const found = roster.find((one) => one.mailboxId === mailboxId);
  if (found === undefined) throw new Error('the roster does not have the mailbox');
  return found;
}

const inTenant = (roster: RosterMailbox, text: string, more: unknown[] = []) =>
  bench.database.db.inTenant(roster.tenantId, (sql) => sql.execute(text, [roster.tenantId, roster.mailboxId, ...more]));

/** A folder whose ledger is as `folder()` says that the server is. */
async function withLedger(roster: RosterMailbox, path: string, role: string, inScope: boolean): Promise<void> {
  const { db } = bench.database;
  const { folderId, genId } = await insertFolder(db, { tenantId: roster.tenantId, sourceId: roster.mailboxId }, path);
  await inTenant(
    roster,
    'UPDATE folder SET role = $4, in_scope = $5 WHERE tenant_id = $1 AND source_id = $2 AND id = $3',
    [folderId, role, inScope],
  );
  const cursor = 'uidvalidity = 1, uidnext = 1, exists_count = 0, modseq = NULL';
  await inTenant(roster, `UPDATE folder_generation SET ${cursor} WHERE tenant_id = $1 AND source_id = $2 AND id = $3`, [
    genId,
  ]);
}

const kept = 60_000;

/** A mailbox in the hands of a worker whose clock stands still, and whose server does as the test says. */
function held(roster: RosterMailbox, watch: WatchMailbox, gate = createGate(1)) {
  const clock = { ms: 1_000_000 };
  const pokes: ShardPoke[] = [];
  const warmed: string[] = [];
  let connects = 0;
  const watching: Watching = {
    db: bench.database.db,
    watch: (mailbox, wish) => {
      connects += 1;
      return watch(mailbox, wish);
    },
    poke: (_, reason) => {
      pokes.push(reason);
      return Promise.resolve();
    },
    askTemporal: () => Promise.resolve(),
    warmUp: { warm: (mailboxId) => warmed.push(mailboxId), end: () => undefined },
    pace: { turn: () => Promise.resolve() },
    gate,
    limits: { ...defaultLimits, connectionKeptMs: kept },
    now: () => clock.ms,
  };
  const mailbox = new HeldMailbox(roster, watching, () => undefined);
  return { mailbox, clock, pokes, warmed, connects: () => connects };
}

const folder = (path: string, uidNext = 1): ListedFolder => ({
  path,
  delimiter: '/',
  role: null,
  selectable: true,
  status: { uidValidity: '1', uidNext, messages: 0, highestModseq: null },
});

/** A watch whose sweeps answer this. */
function watchThat(sweep: () => Promise<ListedFolder[]>, mode: MailboxWatch['mode'] = 'idle'): MailboxWatch {
  const abilities = {
    condstore: true,
    uidPlus: true,
    idle: true,
    listStatus: true,
    gmail: false,
    messageLimit: false,
  };
  return { mode, abilities, isForeign: (path) => path.startsWith('Shared/'), sweep, close: () => Promise.resolve() };
}

describe('a refused password', () => {
  const refuse = () => Promise.reject(new MailFailure('credentials', 'login', { code: 'login-refused' }));

  test('is not tried again because a round succeeded on a connection that was still open', async () => {
    const roster = await mailboxWith(['INBOX']);
    const { mailbox, clock, pokes, connects } = held(roster, refuse);
    mailbox.tick(clock.ms);
    await until(() => mailbox.state.kind === 'refused', 'the refusal');
    let success = roster.lastSuccessAt;
    const succeed = () => {
      success += 1_000;
      mailbox.update({ ...roster, lastSuccessAt: success });
      mailbox.tick(clock.ms);
    };
    for (let round = 0; round < 5; round += 1) {
      clock.ms += kept - 5_000;
      succeed();
    }
    expect([mailbox.state.kind, connects(), pokes]).toEqual(['refused', 1, ['watch']]);
  });

  test('makes the mailbox have a round that must log in, and is tried again when that succeeds', async () => {
    const roster = await mailboxWith(['INBOX']);
    const { mailbox, clock, pokes, connects } = held(roster, refuse);
    const success = roster.lastSuccessAt;
    mailbox.tick(clock.ms);
    await until(() => mailbox.state.kind === 'refused', 'the refusal');
    clock.ms += 1_000;
    mailbox.update({ ...roster, lastSuccessAt: success + 1_000 });
    clock.ms += 1.5 * kept - 1;
    mailbox.tick(clock.ms);
    expect(pokes).toEqual(['watch']);
    clock.ms += 1;
    mailbox.tick(clock.ms);
    mailbox.tick(clock.ms);
    expect([connects(), pokes]).toEqual([1, ['watch', 'watch']]);
    mailbox.update({ ...roster, lastSuccessAt: success + 2_000 });
    expect(mailbox.state.kind).toBe('due');
    clock.ms += 30_000;
    mailbox.tick(clock.ms);
    await until(() => connects() === 2 && mailbox.state.kind === 'refused', 'the second refusal');
    // Refused once more, it is left alone for twice as long.
    clock.ms += 2 * kept;
    mailbox.update({ ...roster, lastSuccessAt: success + 3_000 });
    expect(mailbox.state.kind).toBe('refused');
  });

  test('that its round found too is left to its owner', async () => {
    const roster = await mailboxWith(['INBOX']);
    const { mailbox, clock, pokes, connects } = held(roster, refuse);
    mailbox.tick(clock.ms);
    await until(() => mailbox.state.kind === 'refused', 'the refusal');
    mailbox.update({ ...roster, state: 'auth-required' });
    clock.ms += 100 * kept;
    mailbox.tick(clock.ms);
    expect([connects(), pokes]).toEqual([1, ['watch']]);
  });
});

test('a mailbox is loaded into memory when it is watched for the first time, not each time its connection was lost', async () => {
  const roster = await mailboxWith(['INBOX']);
  const lost: ((failure: MailFailure) => void)[] = [];
  const { mailbox, clock, warmed, connects } = held(roster, (_, { onLost }) => {
    lost.push(onLost);
    return Promise.resolve(watchThat(() => Promise.resolve([folder('INBOX')])));
  });
  mailbox.tick(clock.ms);
  await until(() => mailbox.state.kind === 'watched', 'the watch');
  lost[0]?.(new MailFailure('unreachable', 'watch', { code: 'connection-lost' }));
  clock.ms += 30_000;
  mailbox.tick(clock.ms);
  await until(() => connects() === 2 && mailbox.state.kind === 'watched', 'the second watch');
  expect(warmed).toEqual([roster.mailboxId]);
  await mailbox.end();
});

test('news that a connection brought before it was lost is told', async () => {
  const roster = await mailboxWith(['INBOX']);
  let sweeps = 0;
  const { mailbox, clock, pokes } = held(roster, (_, wish) => {
    const sweep = () => {
      sweeps += 1;
      // The connection ends while the ledger is read.
      if (sweeps === 1) setImmediate(() => wish.onLost(new MailFailure('unreachable', 'watch', { code: 'reset' })));
      return Promise.resolve([folder('INBOX', 7)]);
    };
    return Promise.resolve(watchThat(sweep));
  });
  mailbox.tick(clock.ms);
  await until(() => mailbox.state.kind === 'due', 'the loss');
  await until(() => pokes.includes('arrival'), 'the poke');
  await mailbox.end();
});

describe('where one folder alone is watched', () => {
  test('another is taken when the listing says so, and only once', async () => {
    const roster = await mailboxWith(['INBOX']);
    const folders: string[] = [];
    const { mailbox, clock, connects } = held(roster, async (_, wish) => {
      folders.push(await wish.folder());
      // A server whose INBOX cannot be opened by that name any more.
      return watchThat(() => Promise.resolve([folder('Posteingang'), folder('Archive')]));
    });
    mailbox.tick(clock.ms);
    await until(() => mailbox.state.kind === 'due', 'letting go');
    mailbox.tick(clock.ms);
    await until(() => mailbox.state.kind === 'watched' && !mailbox.state.isSweeping, 'being watched again');
    clock.ms += 3_600_000;
    mailbox.tick(clock.ms);
    await until(() => mailbox.state.kind === 'watched' && !mailbox.state.isSweeping, 'the second sweep');
    expect([folders, connects()]).toEqual([['INBOX', 'Archive'], 2]);
    await mailbox.end();
  });

  test('none is chosen where the server tells of all', async () => {
    const roster = await mailboxWith(['INBOX']);
    const { mailbox, clock, connects } = held(roster, () =>
      Promise.resolve(watchThat(() => Promise.resolve([folder('Archive')]), 'notify')),
    );
    mailbox.tick(clock.ms);
    await until(() => mailbox.state.kind === 'watched' && !mailbox.state.isSweeping, 'being watched');
    expect(connects()).toBe(1);
    await mailbox.end();
  });
});

test.each<[MailboxWatch['mode'], string, 'refresh time' | 'hour']>([
  ['notify', 'Projects', 'hour'],
  ['notify', 'Shared/Info', 'refresh time'],
  ['notify', 'Shared/Noise', 'hour'],
  ['idle', 'Projects', 'refresh time'],
])('by %s a mailbox with the folder %s is swept at the %s', async (mode, path, time) => {
  const roster = await mailboxWith(['INBOX', path]);
  const exclude = `jsonb_set(policy, '{folders}', '{"mode": "all", "include": [], "exclude": ["*Noise"]}')`;
  await inTenant(roster, `UPDATE source SET policy = ${exclude} WHERE tenant_id = $1 AND id = $2`);
  const sweep = () => Promise.resolve([folder('INBOX'), folder(path)]);
  const { mailbox, clock } = held(roster, () => Promise.resolve(watchThat(sweep, mode)));
  mailbox.tick(clock.ms);
  await until(() => mailbox.state.kind === 'watched' && !mailbox.state.isSweeping, 'the first sweep');
  const { state } = mailbox;
  const waitMs = state.kind === 'watched' ? state.sweepAt - clock.ms : NaN;
  const longestMs = time === 'hour' ? defaultLimits.pushSweepMs : roster.refreshSeconds * 1_000;
  expect(waitMs).toBeGreaterThanOrEqual(longestMs * 0.8);
  expect(waitMs).toBeLessThanOrEqual(longestMs);
  await mailbox.end();
});

test('a mailbox that is compared with the ledger does not keep another of its host from being attached', async () => {
  const gate = createGate(1);
  const never = () => new Promise<ListedFolder[]>(() => undefined);
  const open = () => Promise.resolve(watchThat(never));
  const first = held(await mailboxWith(['INBOX']), open, gate);
  const second = held(await mailboxWith(['INBOX']), open, gate);
  for (const { mailbox, clock } of [first, second]) mailbox.tick(clock.ms);
  await until(() => first.mailbox.state.kind === 'watched' && second.mailbox.state.kind === 'watched', 'both');
  await Promise.all([first.mailbox.end(), second.mailbox.end()]);
});

describe('folders that come into scope', () => {
  const includeJunk = `jsonb_set(policy, '{folders}', '{"mode": "all", "include": ["Junk"], "exclude": []}')`;

  test('are told where nobody else has told of them, and once', async () => {
    const roster = await mailboxWith([]);
    await withLedger(roster, 'INBOX', 'inbox', true);
    await withLedger(roster, 'Junk', 'junk', false);
    const junk: ListedFolder = { ...folder('Junk'), role: 'junk' };
    const server = () =>
      Promise.resolve(watchThat(() => Promise.resolve([{ ...folder('INBOX'), role: 'inbox' }, junk])));
    const { mailbox, clock, pokes } = held(roster, server);
    const isSwept = () => mailbox.state.kind === 'watched' && !mailbox.state.isSweeping;
    mailbox.tick(clock.ms);
    await until(isSwept, 'the first sweep');
    expect(pokes).toEqual([]);
    await inTenant(roster, `UPDATE source SET policy = ${includeJunk} WHERE tenant_id = $1 AND id = $2`);
    mailbox.update({ ...roster, scopeVersion: 'other' });
    mailbox.tick(clock.ms);
    await until(isSwept, 'the sweep after the change');
    expect(pokes).toEqual(['arrival']);
    // Its round.
    await inTenant(roster, 'UPDATE folder SET in_scope = true WHERE tenant_id = $1 AND source_id = $2');
    clock.ms += 10_000;
    const next = held({ ...roster, scopeVersion: 'other' }, server);
    next.mailbox.tick(next.clock.ms);
    await until(() => next.mailbox.state.kind === 'watched' && !next.mailbox.state.isSweeping, 'who holds it next');
    expect([pokes, next.pokes]).toEqual([['arrival'], []]);
    await Promise.all([mailbox.end(), next.mailbox.end()]);
  });
});

test('a mailbox that was paused after the roster was read is not connected to', async () => {
  const roster = await mailboxWith(['INBOX']);
  await bench.database.db.inTenant(roster.tenantId, (sql) =>
    sql.execute(`UPDATE source SET desired_state = 'paused' WHERE tenant_id = $1 AND id = $2`, [
      roster.tenantId,
      roster.mailboxId,
    ]),
  );
  const { mailbox, clock, connects } = held(roster, () => Promise.reject(new Error('not to be called')));
  mailbox.tick(clock.ms);
  await until(() => mailbox.shown()?.lostReason === 'not-running', 'the refusal to connect');
  expect(connects()).toBe(0);
});

test('a watch that finds no slot says so, tries again soon and then seldom, takes no turn at the host, and asks for no round', async () => {
  const roster = await mailboxWith(['INBOX']);
  let isFree = false;
  const { mailbox, clock, pokes, connects } = held(roster, () =>
    isFree
      ? Promise.resolve(watchThat(() => Promise.resolve([folder('INBOX')])))
      : Promise.reject(new MailFailure('busy', 'connect', { code: 'connections-taken' })),
  );
  const waits: number[] = [];
  for (let tries = 1; tries <= 20; tries += 1) {
    mailbox.tick(clock.ms);
    await until(() => connects() === tries && mailbox.state.kind === 'due', 'a try');
    const at = mailbox.state.kind === 'due' ? mailbox.state.at : NaN;
    waits.push(at - clock.ms);
    clock.ms = at;
  }
  expect(mailbox.shown()).toEqual({ mode: 'lost', lostReason: 'connections-taken' });
  expect(Math.max(...waits.slice(0, 15))).toBeLessThanOrEqual(1_500);
  expect(Math.max(...waits)).toBeLessThanOrEqual(defaultLimits.watchRetryCapMs);
  expect(pokes).toEqual([]);
  isFree = true;
  mailbox.tick(clock.ms);
  await until(() => mailbox.state.kind === 'watched', 'the watch');
});
