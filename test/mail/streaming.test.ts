import { buffer } from 'node:stream/consumers';

import { openMailbox, type OpenOptions } from '../../src/mail/open-mailbox';
import type { Mailbox } from '../../src/mail/mailbox';
import { startScriptedServer, type Handler, type ScriptedServer } from '../support/scripted-imap-server';

const options: OpenOptions = {
  hostRules: { allowedNetworks: ['127.0.0.0/8'] },
  connectTimeoutMs: 5_000,
  socketTimeoutMs: 1_000,
  streamChunkBytes: 1_000,
};

let server: ScriptedServer;
let mailbox: Mailbox;

afterEach(async () => {
  await mailbox.close();
  await server.stop();
});

/** Bytes that differ from window to window, so that one in the wrong place shows. */
const rawOf = (size: number): Buffer =>
  Buffer.from(Array.from({ length: size }, (_, at) => 32 + ((at * 7 + (at >> 8)) % 90)));

async function stream(raw: Buffer, onFetch?: Handler) {
  server = await startScriptedServer({
    folders: { INBOX: { messages: [{ uid: 5, raw, flags: ['\\Flagged'] }] } },
    ...(onFetch === undefined ? {} : { on: { 'UID FETCH': onFetch } }),
  });
  mailbox = await openMailbox(server.access(), options);
  const folder = await mailbox.examine('INBOX');
  return folder.streamRaw(5);
}

const fetches = (): string[] => server.commands.filter((line) => line.startsWith('UID FETCH'));
const startOf = (args: string): number => Number(/<(\d+)\./.exec(args)?.[1]);

test.each([1, 999, 1_000, 1_001, 2_000, 12_345])('%d bytes come as they are, window by window', async (size) => {
  const raw = rawOf(size);
  const answer = await stream(raw);
  expect(answer?.envelope).toMatchObject({ uid: 5, size, flags: 4 });
  expect(await buffer(answer!.content)).toEqual(raw);
});

test('the next window is asked for when the last has been read', async () => {
  const answer = await stream(rawOf(10_000));
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(fetches()).toHaveLength(1);
  answer?.content.destroy();
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(fetches()).toHaveLength(1);
  await expect(mailbox.listFolders()).resolves.toHaveLength(1);
});

test('a message that is not there is owed', async () => {
  await expect(
    stream(rawOf(10), ({ ok }) => {
      ok();
    }),
  ).resolves.toBeNull();
});

test('a message without bytes is owed', async () => {
  const answer = stream(rawOf(10), ({ send, ok }) => {
    send('* 1 FETCH (UID 5 RFC822.SIZE 10 BODY[]<0> NIL)');
    ok();
  });
  await expect(answer).resolves.toBeNull();
});

test('a short window before the announced size is asked on, so that a cut message does not look whole', async () => {
  const raw = rawOf(3_000);
  const answer = await stream(raw, ({ args, send, usual, ok }) => {
    if (startOf(args) !== 1_000) {
      usual();
      return;
    }
    send('* 1 FETCH (UID 5 BODY[]<1000> ', raw.subarray(1_000, 1_400), ')');
    ok();
  });
  expect(await buffer(answer!.content)).toEqual(raw);
});

test('an announced size that is too great ends with the empty window', async () => {
  const raw = rawOf(1_500);
  const answer = await stream(raw, ({ args, send, usual, ok }) => {
    if (startOf(args) > 0) {
      usual();
      return;
    }
    send('* 1 FETCH (UID 5 RFC822.SIZE 19189 BODY[]<0> ', raw.subarray(0, 1_000), ')');
    ok();
  });
  expect(answer?.envelope.size).toBe(19_189);
  expect(await buffer(answer!.content)).toEqual(raw);
});

test('a message that is gone in the middle fails, and is not short', async () => {
  const answer = await stream(rawOf(5_000), ({ args, usual, ok }) => {
    if (startOf(args) < 2_000) usual();
    else ok();
  });
  await expect(buffer(answer!.content)).rejects.toMatchObject({ kind: 'unreadable', code: 'stream-cut', uid: 5 });
});

test('a server that ignores windows sends the whole message once', async () => {
  const raw = rawOf(5_000);
  const answer = await stream(raw, ({ send, ok }) => {
    send(`* 1 FETCH (UID 5 RFC822.SIZE 5000 BODY[] `, raw, ')');
    ok();
  });
  expect(await buffer(answer!.content)).toEqual(raw);
  expect(fetches()).toHaveLength(1);
});

test('a server that answers for ever with the same window is left', async () => {
  const answer = await stream(rawOf(1_000), ({ send, ok }) => {
    send('* 1 FETCH (UID 5 RFC822.SIZE 1500 BODY[] ', rawOf(1_000), ')');
    ok();
  });
  await expect(buffer(answer!.content)).rejects.toMatchObject({ code: 'stream-cut' });
});

test('a window of another place is not taken', async () => {
  const raw = rawOf(2_500);
  const answer = await stream(raw, ({ args, send, usual }) => {
    if (startOf(args) === 1_000) send('* 1 FETCH (UID 5 BODY[]<0> ', raw.subarray(0, 1_000), ')');
    usual();
  });
  expect(await buffer(answer!.content)).toEqual(raw);
});

test('a reader may take longer than the server may be silent', async () => {
  const raw = rawOf(2_500);
  const answer = await stream(raw);
  await new Promise((resolve) => setTimeout(resolve, 1_300));
  expect(await buffer(answer!.content)).toEqual(raw);
});

test('silence in the middle fails the stream', async () => {
  const answer = await stream(rawOf(5_000), ({ args, usual }) => {
    if (startOf(args) < 2_000) usual();
  });
  await expect(buffer(answer!.content)).rejects.toMatchObject({ kind: 'unreachable', code: 'timed-out' });
});

test("Exchange's excuse is owed", async () => {
  const excuse = Buffer.from('Subject: Retrieval using the IMAP4 protocol failed for the following message: 5\r\n\r\n');
  await expect(stream(excuse)).resolves.toBeNull();
});

test('a message that the server refuses is owed, and holds up nobody', async () => {
  const answer = await stream(rawOf(5_000), (context) => {
    context.no('[UNAVAILABLE] UID FETCH Server error');
  });
  expect(answer).toBeNull();
  expect(mailbox.usable).toBe(true);
});

test('where size and date of a message are refused, its bytes are asked for alone', async () => {
  const raw = rawOf(2_500);
  const answer = await stream(raw, (context) => {
    if (context.args.includes('RFC822.SIZE')) context.no('[UNAVAILABLE] UID FETCH Server error');
    else context.usual();
  });
  expect(await buffer(answer!.content)).toEqual(raw);
});
