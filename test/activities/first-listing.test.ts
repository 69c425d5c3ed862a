import type { Policy } from '../../src/domain/policy';
import { mail } from '../support/mail-factory';
import { startScriptedServer, type Handler, type ScriptedServer } from '../support/scripted-imap-server';
import { createSyncBench, type SyncBench } from '../support/sync-bench';

let bench: SyncBench;
let server: ScriptedServer;

beforeAll(async () => {
  bench = await createSyncBench(0);
});

afterAll(async () => {
  await bench.close();
});

afterEach(async () => {
  await bench.context.connections.closeAll();
  await server.stop();
});

const startDay = Date.parse('2026-03-10T00:00:00Z');
const dayMs = 24 * 3_600_000;

/** Forty messages, one a day; the last ten are not before the start. The even ones have been read. */
const messages = Array.from({ length: 40 }, (_, at) => ({
  uid: at + 1,
  raw: mail({ subject: `number ${String(at + 1)}` }),
  internalDate: new Date(startDay + (at - 30) * dayMs + 3_600_000),
  flags: at % 2 === 1 ? ['\\Seen'] : [],
}));
const sinceStart = [31, 32, 33, 34, 35, 36, 37, 38, 39, 40];
const unread = messages.filter(({ flags }) => flags.length === 0).map(({ uid }) => uid);

const nothing: Handler = ({ send, ok }) => {
  send('* SEARCH');
  ok();
};
const everything: Handler = ({ send, ok }) => {
  send(`* SEARCH ${messages.map(({ uid }) => uid).join(' ')}`);
  ok();
};
const refused: Handler = ({ no }) => {
  no('search is not to be had');
};
/** Answers by day as RFC 9051 6.4.4 has it, in UTC. */
const byDay: Handler = ({ args, send, ok, usual }) => {
  const [, word, day = ''] = /(BEFORE|SINCE) (\S+)/i.exec(args) ?? [];
  if (word === undefined) {
    usual();
    return;
  }
  const isBefore = ({ internalDate }: { internalDate: Date }) => internalDate.getTime() < Date.parse(`${day} UTC`);
  const found = messages.filter((message) => isBefore(message) === (word.toUpperCase() === 'BEFORE'));
  send(`* SEARCH ${found.map(({ uid }) => uid).join(' ')}`);
  ok();
};
const bySeen: Handler = ({ args, send, ok, usual }) => {
  const [, word] = /\b(UNSEEN|SEEN)\b/i.exec(args) ?? [];
  if (word === undefined) {
    usual();
    return;
  }
  const found = messages.filter(({ flags }) => flags.length > 0 === (word.toUpperCase() === 'SEEN'));
  send(`* SEARCH ${found.map(({ uid }) => uid).join(' ')}`);
  ok();
};

/** The UIDs that are recorded after a first listing where each kind of SEARCH is answered so. */
async function recorded(start: Policy['start'], answers: { days: Handler; seen: Handler }): Promise<number[]> {
  server = await startScriptedServer({ folders: { INBOX: { messages } } });
  server.on['UID SEARCH'] = (context) => {
    if (/SEEN/i.test(context.args)) answers.seen(context);
    else if (/BEFORE|SINCE/i.test(context.args)) answers.days(context);
    else context.usual();
  };
  const mailbox = await bench.connect({ port: server.port, user: 'somebody', withoutPerson: true, policy: { start } });
  await mailbox.syncAll();
  const rows = await mailbox.ledger();
  expect(rows).toHaveLength(messages.length);
  return rows.filter(({ reason }) => reason !== 'before-start').map(({ uid }) => uid);
}

const fromDate: Policy['start'] = { from: 'date', date: '2026-03-10T00:00:00Z' };

describe('a start date', () => {
  test.each([
    ['that the server searches for truly', byDay],
    ['is decided by the dates of the messages where SEARCH finds nothing', nothing],
    ['is decided by the dates of the messages where SEARCH finds everything', everything],
    ['is decided by the dates of the messages where SEARCH is refused', refused],
  ])('%s', async (_, days) => {
    expect(await recorded(fromDate, { days, seen: bySeen })).toEqual(sinceStart);
  });

  test('asks only for samples of the mail that the server finds long before it', async () => {
    await recorded(fromDate, { days: byDay, seen: bySeen });
    expect(server.commands.some((command) => /^UID FETCH (?:\S+,)?(?:1:|2\b)/.test(command))).toBe(false);
  });
});

describe('the start with unread mail', () => {
  test.each([
    ['that the server searches for truly', bySeen],
    ['is decided by the flags of the messages where SEARCH finds nothing', nothing],
    ['is decided by the flags of the messages where SEARCH finds everything', everything],
    ['is decided by the flags of the messages where SEARCH is refused', refused],
  ])('%s', async (_, seen) => {
    expect(await recorded({ from: 'unread' }, { days: byDay, seen })).toEqual(unread);
  });
});

test('the envelopes of a big folder are asked for a thousand at a time', async () => {
  const raw = mail({ subject: 'old' });
  const many = Array.from({ length: 2_100 }, (_, at) => ({
    uid: at + 1,
    raw,
    internalDate: new Date(startDay - dayMs),
  }));
  server = await startScriptedServer({ folders: { INBOX: { messages: many } } });
  server.on['UID SEARCH'] = (context) => {
    if (/BEFORE/i.test(context.args)) nothing(context);
    else context.usual();
  };
  const policy = { start: fromDate };
  const mailbox = await bench.connect({ port: server.port, user: 'somebody', withoutPerson: true, policy });
  await mailbox.syncAll();
  expect(await mailbox.ledger()).toHaveLength(2_100);
  const asked = server.commands.filter((command) => command.startsWith('UID FETCH')).map((one) => one.split(' ')[2]);
  expect(asked).toEqual(['1:1000', '1001:2000', '2001:2100']);
});
