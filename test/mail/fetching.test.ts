import type { FetchedMessage } from '../../src/domain/folder';
import { MailFailure } from '../../src/domain/failure';
import { openMailbox, type OpenOptions } from '../../src/mail/open-mailbox';
import type { Mailbox, OpenFolder } from '../../src/mail/mailbox';
import { startScriptedServer, type Handler, type Script, type ScriptedServer } from '../support/scripted-imap-server';

const options: OpenOptions = {
  hostRules: { allowedNetworks: ['127.0.0.0/8'] },
  connectTimeoutMs: 5_000,
  socketTimeoutMs: 1_000,
};

const raw = (uid: number): string =>
  `From: a@example.org\r\nSubject: number ${String(uid)}\r\n\r\nText ${String(uid)}\r\n`;
const fourMessages = { INBOX: { messages: [1, 2, 3, 4].map((uid) => ({ uid, raw: raw(uid) })) } };

let server: ScriptedServer;
let mailbox: Mailbox;

afterEach(async () => {
  await mailbox.close();
  await server.stop();
});

async function inbox(script: Script): Promise<OpenFolder> {
  server = await startScriptedServer({ folders: fourMessages, ...script });
  mailbox = await openMailbox(server.access(), options);
  return mailbox.examine('INBOX');
}

/** What fetchRaw gives for UIDs 1 to 4 where the server answers FETCH like this. */
async function fetched(onFetch: Handler): Promise<{ delivered: number[]; owed: number[]; messages: FetchedMessage[] }> {
  const folder = await inbox({ on: { 'UID FETCH': onFetch } });
  const messages: FetchedMessage[] = [];
  const { owed } = await folder.fetchRaw([4, 3, 2, 1], (message) => {
    messages.push(message);
    return Promise.resolve();
  });
  return { delivered: messages.map(({ uid }) => uid), owed, messages };
}

describe('a FETCH that ends normally proves nothing', () => {
  test('all rows come: nothing is owed', async () => {
    const { delivered, owed, messages } = await fetched(({ usual }) => {
      usual();
    });
    expect(delivered).toEqual([1, 2, 3, 4]);
    expect(owed).toEqual([]);
    expect(messages[2]?.raw.toString()).toBe(raw(3));
  });

  test('rows left out with OK [MESSAGELIMIT] are owed', async () => {
    const result = await fetched(({ sendRow, ok }) => {
      sendRow(1);
      sendRow(2);
      ok('[MESSAGELIMIT 2 2] FETCH completed with 2 partial results');
    });
    expect(result).toMatchObject({ delivered: [1, 2], owed: [3, 4] });
  });

  test('no rows and OK: all are owed', async () => {
    const result = await fetched(({ ok }) => {
      ok('FETCH completed');
    });
    expect(result).toMatchObject({ delivered: [], owed: [1, 2, 3, 4] });
  });

  test('one row and NO [EXPUNGEISSUED]: the others are owed', async () => {
    const result = await fetched(({ sendRow, no }) => {
      sendRow(1);
      no('[EXPUNGEISSUED] Some of the requested messages no longer exist');
    });
    expect(result).toMatchObject({ delivered: [1], owed: [2, 3, 4] });
  });

  test('an unsolicited row with flags alone is no message', async () => {
    const result = await fetched(({ send, sendRow, ok }) => {
      send('* 1 FETCH (FLAGS (\\Seen))');
      send('* 2 FETCH (UID 2 FLAGS (\\Seen))');
      sendRow(1);
      ok();
    });
    expect(result).toMatchObject({ delivered: [1], owed: [2, 3, 4] });
  });

  test('BODY[] NIL and an empty body are owed', async () => {
    const result = await fetched(({ send, ok }) => {
      send('* 1 FETCH (UID 1 RFC822.SIZE 10 BODY[] NIL)');
      send('* 2 FETCH (UID 2 RFC822.SIZE 10 BODY[] "")');
      send('* 3 FETCH (UID 3 RFC822.SIZE 10 BODY[] {0}\r\n)');
      ok();
    });
    expect(result).toMatchObject({ delivered: [], owed: [1, 2, 3, 4] });
  });

  test('a row for a UID that was not asked for is passed over', async () => {
    const result = await fetched(({ send, sendRow, ok }) => {
      send('* 9 FETCH (UID 99 BODY[] ', Buffer.from('From: intruder\r\n\r\n'), ')');
      sendRow(2);
      ok();
    });
    expect(result).toMatchObject({ delivered: [2], owed: [1, 3, 4] });
  });

  test('a row without a UID is passed over', async () => {
    const result = await fetched(({ send, ok }) => {
      send('* 1 FETCH (BODY[] ', Buffer.from(raw(1)), ')');
      ok();
    });
    expect(result).toMatchObject({ delivered: [], owed: [1, 2, 3, 4] });
  });

  test('the same row twice is delivered once', async () => {
    const result = await fetched(({ sendRow, usual }) => {
      sendRow(1);
      usual();
    });
    expect(result).toMatchObject({ delivered: [1, 2, 3, 4], owed: [] });
  });

  test('items of a message spread over two rows come together', async () => {
    const { messages } = await fetched(({ send, ok }) => {
      send('* 1 FETCH (UID 1 FLAGS (\\Flagged) MODSEQ (77))');
      send('* 1 FETCH (UID 1 BODY[] ', Buffer.from(raw(1)), ')');
      ok();
    });
    expect(messages).toMatchObject([{ uid: 1, flags: 4, modseq: '77', size: raw(1).length }]);
  });

  test('a body as a quoted string is a body', async () => {
    const { messages } = await fetched(({ send, ok }) => {
      send('* 1 FETCH (UID 1 RFC822.SIZE 7 BODY[] "A: b  c")');
      ok();
    });
    expect(messages[0]?.raw.toString()).toBe('A: b  c');
  });

  test("Exchange's excuse for a message is owed, and the same words in a reply are a message", async () => {
    const excuse =
      'From: server\r\nSubject: Retrieval using the IMAP4 protocol failed for the following\r\n message: 1\r\n\r\nsorry';
    const reply =
      'From: a\r\nSubject: Re: Retrieval using the IMAP4 protocol failed for the following message: 2\r\n\r\n?';
    const result = await fetched(({ send, ok }) => {
      send('* 1 FETCH (UID 1 BODY[] ', Buffer.from(excuse), ')');
      send('* 2 FETCH (UID 2 BODY[] ', Buffer.from(reply), ')');
      ok();
    });
    expect(result).toMatchObject({ delivered: [2], owed: [1, 3, 4] });
  });

  test('a line that cannot be parsed costs its message only', async () => {
    const result = await fetched(({ send, sendRow, ok }) => {
      send('* 1 FETCH (UID 1 ENVELOPE ("a"b"c") BODY[] "x")');
      sendRow(2);
      ok();
    });
    expect(result).toMatchObject({ delivered: [2], owed: [1, 3, 4] });
  });

  test.each(['[UNAVAILABLE] UID FETCH Server error - Please try again later', 'something went wrong'])(
    'a FETCH refused with NO %s leaves the rest owed, so that one message does not block the folder',
    async (text) => {
      const result = await fetched(({ sendRow, no }) => {
        sendRow(1);
        no(text);
      });
      expect(result).toMatchObject({ delivered: [1], owed: [2, 3, 4] });
      expect(mailbox.usable).toBe(true);
    },
  );

  test('a size that is a lie is believed and does not matter', async () => {
    const { messages, owed } = await fetched(({ send, ok }) => {
      send('* 1 FETCH (UID 1 RFC822.SIZE 19189 BODY[] ', Buffer.from(raw(1)), ')');
      ok();
    });
    expect(messages).toMatchObject([{ uid: 1, size: 19_189 }]);
    expect(messages[0]?.raw).toHaveLength(raw(1).length);
    expect(owed).toEqual([2, 3, 4]);
  });
});

describe('a FETCH that fails says why, after what came was delivered', () => {
  async function failing(onFetch: Handler): Promise<{ delivered: number[]; failure: unknown }> {
    const folder = await inbox({ on: { 'UID FETCH': onFetch } });
    const delivered: number[] = [];
    const failure = await folder
      .fetchRaw([1, 2, 3, 4], ({ uid }) => {
        delivered.push(uid);
        return Promise.resolve();
      })
      .catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(MailFailure);
    return { delivered, failure };
  }

  test.each([
    ['[LIMIT] Too much', 'limit'],
    ['[LIMIT] Rate limit hit', 'throttled'],
    ['[UNAVAILABLE] Server is too busy, try again in 5 minutes', 'unavailable'],
  ])('NO %s', async (text, code) => {
    const { delivered, failure } = await failing(({ sendRow, no }) => {
      sendRow(1);
      no(text);
    });
    expect(delivered).toEqual([1]);
    expect(failure).toMatchObject({ kind: 'busy', code, operation: 'UID FETCH' });
  });

  test('BAD', async () => {
    const { failure } = await failing(({ bad }) => {
      bad('expected fetch-att instead of "MODSEQ"');
    });
    expect(failure).toMatchObject({ kind: 'refused', code: 'command-not-understood' });
  });

  test('the throttling of Exchange ends the call at once and says how long', async () => {
    const started = Date.now();
    const { delivered, failure } = await failing(({ sendRow, bad }) => {
      sendRow(1);
      bad('Request is throttled. Suggested Backoff Time: 92415 milliseconds');
    });
    expect(delivered).toEqual([1]);
    expect(failure).toMatchObject({ kind: 'busy', code: 'throttled', retryAfterMs: 92_415 });
    expect(Date.now() - started).toBeLessThan(900);
    expect(mailbox.usable).toBe(false);
  });

  test('BYE in the middle', async () => {
    const { delivered, failure } = await failing(({ sendRow, send, cut }) => {
      sendRow(1);
      send('* BYE going down');
      setTimeout(cut, 50);
    });
    expect(delivered).toEqual([1]);
    expect(failure).toMatchObject({ kind: 'unreachable', code: 'connection-lost' });
    expect(mailbox.usable).toBe(false);
  });

  test('a cut inside a literal', async () => {
    const { delivered, failure } = await failing(({ sendRow, send, cut }) => {
      sendRow(1);
      send('* 2 FETCH (UID 2 BODY[] {5000}\r\nonly this');
      setTimeout(cut, 50);
    });
    expect(delivered).toEqual([1]);
    expect(failure).toMatchObject({ kind: 'unreachable', code: 'connection-lost' });
  });

  test('silence', async () => {
    const { delivered, failure } = await failing(({ sendRow }) => {
      sendRow(1);
    });
    expect(delivered).toEqual([1]);
    expect(failure).toMatchObject({ kind: 'unreachable', code: 'timed-out' });
    expect(mailbox.usable).toBe(false);
  });

  test('silence inside a literal', async () => {
    const { failure } = await failing(({ send }) => {
      send('* 2 FETCH (UID 2 BODY[] {5000}\r\nonly this');
    });
    expect(failure).toMatchObject({ kind: 'unreachable', code: 'timed-out' });
  });

  test('a tagged answer that is none', async () => {
    const { failure } = await failing(({ tag, send }) => {
      send(`${tag} WHAT is this`);
    });
    expect(failure).toMatchObject({ kind: 'unreachable', code: 'garbled-answer' });
  });

  test('a literal above the limit ends the connection, named as the message it is about', async () => {
    server = await startScriptedServer({
      folders: fourMessages,
      on: {
        'UID FETCH': ({ send }) => {
          send('* 2 FETCH (UID 2 BODY[] {900000000}\r\n');
        },
      },
    });
    mailbox = await openMailbox(server.access(), { ...options, maxLiteralBytes: 1_000_000 });
    const folder = await mailbox.examine('INBOX');
    await expect(folder.fetchRaw([2], () => Promise.resolve())).rejects.toMatchObject({
      kind: 'unreadable',
      code: 'too-large',
      uid: 2,
    });
  });
});

describe('the consumer', () => {
  test('may take longer than the server may be silent', async () => {
    const folder = await inbox({});
    const delivered: number[] = [];
    await folder.fetchRaw([1, 2], async ({ uid }) => {
      await new Promise((resolve) => setTimeout(resolve, 1_300));
      delivered.push(uid);
    });
    expect(delivered).toEqual([1, 2]);
  });

  test('holds up the next message', async () => {
    const folder = await inbox({});
    let inside = 0;
    let most = 0;
    await folder.fetchRaw([1, 2, 3, 4], async () => {
      inside += 1;
      most = Math.max(most, inside);
      await new Promise((resolve) => setTimeout(resolve, 5));
      inside -= 1;
    });
    expect(most).toBe(1);
  });

  test('throws its own error through, and the connection stays usable', async () => {
    const folder = await inbox({});
    const wrong = new MailFailure('busy', 'disk', { code: 'unavailable' });
    await expect(folder.fetchRaw([1, 2, 3, 4], () => Promise.reject(wrong))).rejects.toBe(wrong);
    await expect(folder.listUids()).resolves.toEqual({ proven: true, uids: [1, 2, 3, 4] });
  });
});

describe('what is sent', () => {
  test('many UIDs become ascending sets, each below 8,000 characters, in all exactly these', async () => {
    const folder = await inbox({});
    const wanted = Array.from({ length: 6_000 }, (_, at) => 100_000 + at * 2).reverse();
    const { owed } = await folder.fetchRaw(wanted, () => Promise.resolve());
    const lines = server.commands.filter((line) => line.startsWith('UID FETCH'));
    const named = lines.flatMap((line) => (line.split(' ')[2] ?? '').split(',').map(Number));
    expect(lines.length).toBeGreaterThan(1);
    expect(Math.max(...lines.map(({ length }) => length))).toBeLessThan(8_000);
    expect(named).toEqual([...wanted].reverse());
    expect(owed).toEqual(named);
  });

  test('never sets \\Seen: EXAMINE and BODY.PEEK only', async () => {
    const folder = await inbox({});
    await folder.fetchRaw([1], () => Promise.resolve());
    await folder.fetchHeader(1);
    const stream = await folder.streamRaw(1);
    stream?.content.destroy();
    const sent = server.commands.join('\n');
    expect(sent).toContain('EXAMINE INBOX');
    expect(sent).not.toContain('SELECT INBOX');
    expect(sent).not.toMatch(/BODY(?!\.PEEK)/);
  });

  test('no UIDs, no command', async () => {
    const folder = await inbox({});
    await expect(folder.fetchRaw([], () => Promise.resolve())).resolves.toEqual({ owed: [] });
    await expect(folder.fetchEnvelopes([])).resolves.toEqual([]);
    expect(server.commands.filter((line) => line.startsWith('UID FETCH'))).toEqual([]);
  });
});

describe('envelopes', () => {
  const one = { uid: 1, raw: raw(1), flags: ['\\Seen', '$Junk', '\\ANSWERED'], emailId: 'M1', threadId: 'T1' };

  test('carry size, date, flags and modseq; ids only where the server has them', async () => {
    const folder = await inbox({ folders: { INBOX: { messages: [one] } } });
    await expect(folder.fetchEnvelopes([1])).resolves.toEqual([
      {
        uid: 1,
        size: raw(1).length,
        internalDate: new Date('2026-01-02T03:04:05Z'),
        flags: 3,
        modseq: '1',
        providerId: null,
        providerThreadId: null,
      },
    ]);
  });

  test.each([
    { capability: 'OBJECTID', providerId: 'objectid:M1', providerThreadId: 'objectid:T1' },
    { capability: 'X-GM-EXT-1', providerId: 'gmail:M1', providerThreadId: 'gmail:T1' },
  ])('carry the ids of $capability with their kind', async ({ capability, ...ids }) => {
    const folder = await inbox({ folders: { INBOX: { messages: [one] } }, capabilities: [capability] });
    await expect(folder.fetchEnvelopes([1])).resolves.toMatchObject([ids]);
  });

  test.each(['EMAILID NIL THREADID NIL', 'FLAGS ()'])('stand without what is %s', async (items) => {
    const folder = await inbox({
      capabilities: ['OBJECTID'],
      on: {
        'UID FETCH': ({ send, ok }) => {
          send(`* 1 FETCH (UID 1 RFC822.SIZE 5 INTERNALDATE "nonsense" ${items})`);
          ok();
        },
      },
    });
    await expect(folder.fetchEnvelopes([1])).resolves.toEqual([
      { uid: 1, size: 5, internalDate: null, flags: 0, modseq: null, providerId: null, providerThreadId: null },
    ]);
  });

  test('have no date where the server tells of one that no calendar of ours has', async () => {
    const folder = await inbox({
      on: {
        'UID FETCH': ({ send, ok }) => {
          send('* 1 FETCH (UID 1 RFC822.SIZE 5 INTERNALDATE "31-Dec-9999 23:59:59 -1500" FLAGS ())');
          ok();
        },
      },
    });
    await expect(folder.fetchEnvelopes([1])).resolves.toMatchObject([{ uid: 1, internalDate: null }]);
  });

  test('come for all but the one that the server refuses', async () => {
    const many = Array.from({ length: 30 }, (_, at) => ({ uid: at + 1, raw: raw(at + 1) }));
    const folder = await inbox({
      folders: { INBOX: { messages: many } },
      on: {
        'UID FETCH': (context) => {
          const [set = ''] = context.args.split(' ');
          const asksForSeven = set.split(',').some((range) => {
            const [from = '0', to = from] = range.split(':');
            return Number(from) <= 7 && Number(to) >= 7;
          });
          if (asksForSeven) context.no('[UNAVAILABLE] UID FETCH Server error');
          else context.usual();
        },
      },
    });
    const uids = many.map(({ uid }) => uid);
    expect((await folder.fetchEnvelopes(uids)).map(({ uid }) => uid)).toEqual(uids.filter((uid) => uid !== 7));
  });

  test('are not asked for one by one where the server refuses all', async () => {
    const many = Array.from({ length: 500 }, (_, at) => ({ uid: at + 1, raw: raw(at + 1) }));
    const folder = await inbox({
      folders: { INBOX: { messages: many } },
      on: {
        'UID FETCH': (context) => {
          context.no('not now');
        },
      },
    });
    await expect(folder.fetchEnvelopes(many.map(({ uid }) => uid))).rejects.toMatchObject({ code: 'command-refused' });
    expect(server.commands.filter((command) => command.startsWith('UID FETCH')).length).toBeLessThan(100);
  });

  test('are asked for again where the server limits its answer', async () => {
    const many = Array.from({ length: 10 }, (_, at) => ({ uid: at + 1, raw: raw(at + 1) }));
    let next = 1;
    const folder = await inbox({
      folders: { INBOX: { messages: many } },
      on: {
        'UID FETCH': (context) => {
          for (let sent = 0; sent < 4 && next <= 10; sent += 1, next += 1) context.sendRow(next);
          context.ok('[MESSAGELIMIT 4] partial results');
        },
      },
    });
    expect(await folder.fetchEnvelopes(many.map(({ uid }) => uid))).toHaveLength(10);
  });

  test('a row with flags alone is no envelope', async () => {
    const folder = await inbox({
      on: {
        'UID FETCH': ({ send, ok }) => {
          send('* 1 FETCH (UID 1 FLAGS (\\Seen))');
          ok();
        },
      },
    });
    await expect(folder.fetchEnvelopes([1])).resolves.toEqual([]);
  });

  test('fetchHeader gives the header block, and null where there is none', async () => {
    const folder = await inbox({});
    expect((await folder.fetchHeader(2))?.toString()).toBe('From: a@example.org\r\nSubject: number 2\r\n\r\n');
    await expect(folder.fetchHeader(77)).resolves.toBeNull();
  });
});
