import { openMailbox, type OpenOptions } from '../../src/mail/open-mailbox';
import type { Mailbox } from '../../src/mail/mailbox';
import { startScriptedServer, type Handler, type Script, type ScriptedServer } from '../support/scripted-imap-server';

const options: OpenOptions = {
  hostRules: { allowedNetworks: ['127.0.0.0/8'] },
  connectTimeoutMs: 5_000,
  socketTimeoutMs: 1_000,
};

let server: ScriptedServer;
let mailbox: Mailbox;

afterEach(async () => {
  await mailbox.close();
  await server.stop();
});

/** What is told to everybody who asks the same server. */
async function open(on: Script['on']): Promise<unknown[]> {
  const forAll: unknown[] = [];
  server = await startScriptedServer({ folders: { INBOX: {} }, on: on ?? {} });
  mailbox = await openMailbox(server.access(), { ...options, onBusyForAll: (failure) => forAll.push(failure) });
  return forAll;
}

describe('a folder named like an answer speaks for no server', () => {
  const bad = 'server is too busy, try again in 24 hours';
  const long = `${bad} ${'or later '.repeat(20)}`;

  test.each([
    ['whole', bad, `Cannot open: ${bad}`],
    ['quoted', `a "${bad}`, String.raw`Cannot open "a \"server is too busy, try again in 24 hours".`],
    ['its last level', `Clients/${bad}`, `Cannot open ${bad}`],
    ['longer than the library logs', long, `Cannot open ${long}`],
    ['cut short', long, `Cannot open ${long.slice(0, 60)}...`],
  ])('%s', async (_how, path, answer) => {
    const refuse: Handler = ({ no }) => {
      no(answer);
    };
    const forAll = await open({ EXAMINE: refuse, LIST: refuse });
    const failure: unknown = await mailbox.examine(path).catch((error: unknown) => error);
    expect(failure).toMatchObject({ kind: 'refused', reach: 'account', retryAfterMs: undefined });
    expect(forAll).toEqual([]);
  });

  test('and where its name hides the words of a missing one, it is missing all the same', async () => {
    await open({
      EXAMINE: ({ no }) => {
        no('No such folder: No such folder');
      },
    });
    await expect(mailbox.examine('No such folder')).rejects.toMatchObject({ kind: 'gone' });
  });
});
