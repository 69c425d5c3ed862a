import type { CommandContext, Handler, Script, ScriptedServer } from '../../support/scripted-imap-server';
import { startScriptedServer } from '../../support/scripted-imap-server';
import { soon, until, watching, type Watching, type WatchWish } from './watching';

const all = ['NAMESPACE', 'ENABLE', 'UNSELECT', 'UIDPLUS', 'CONDSTORE', 'LIST-EXTENDED', 'LIST-STATUS', 'SPECIAL-USE'];
const withIdle = [...all, 'IDLE'];
const withNotify = [...withIdle, 'NOTIFY'];

let server: ScriptedServer;
let opened: Watching | undefined;

afterEach(async () => {
  await opened?.watch.close();
  opened = undefined;
  await server.stop();
});

async function open(script: Script, wish: WatchWish = {}): Promise<Watching> {
  server = await startScriptedServer(script);
  opened = await watching(server.access(), wish);
  return opened;
}

/** What the server says without being asked. */
function say(...lines: string[]): void {
  for (const socket of server.sockets) socket.write(lines.map((line) => `${line}\r\n`).join(''));
}

const sent = (): string[] => server.commands.map((line) => line.replace(/^(LIST|NOTIFY|EXAMINE) .*/, '$1'));
const sentAfterLogin = (): string[] =>
  sent().slice(sent().findLastIndex((line) => /^(ENABLE|LOGIN|ID)\b/.test(line)) + 1);
const idles = (): number => sent().filter((line) => line === 'IDLE').length;
const refusing: Handler = ({ no }) => {
  no('not today');
};
const silent: Handler = () => undefined;

describe('how the server watches', () => {
  test('NOTIFY is asked for every folder, and no folder is opened', async () => {
    const { watch } = await open({ capabilities: withNotify });
    expect(watch.mode).toBe('notify');
    expect(watch.abilities).toMatchObject({ idle: true, listStatus: true });
    expect(server.commands.at(-1)).toBe('NOTIFY SET (personal (MessageNew MessageExpunge FlagChange MailboxName))');
    expect(sent()).not.toContain('EXAMINE');
  });

  test.each([
    ['(("" "/")) (("Other Users/" "/")) (("#shared/" "/"))', ['Other Users/ben/INBOX', '#shared/Info']],
    ['(("INBOX." ".")) NIL (("Gemeinsame Entw&APw-rfe." "."))', ['Gemeinsame Entw\u00fcrfe.Info', 'Elsewhere']],
    ['(("" "/")) NIL (("" "/"))', []],
    ['NIL NIL NIL', []],
  ])('folders of others are told apart by the namespaces %s', async (namespaces, foreign) => {
    const NAMESPACE: Handler = ({ send, ok }) => {
      send(`* NAMESPACE ${namespaces}`);
      ok();
    };
    const { watch } = await open({ capabilities: withNotify, on: { NAMESPACE } });
    const paths = ['INBOX', 'INBOX.Sent', ...foreign];
    expect(paths.filter((path) => watch.isForeign(path))).toEqual(foreign);
  });

  test('IDLE is begun on the folder that was named, for reading only', async () => {
    const { watch } = await open({ capabilities: withIdle, folders: { Archive: {} } }, { folder: 'Archive' });
    expect(watch.mode).toBe('idle');
    expect(server.commands.filter((line) => line.startsWith('EXAMINE'))).toEqual([
      expect.stringMatching(/^EXAMINE "?Archive/),
    ]);
    await until(() => idles() === 2);
    expect(sentAfterLogin().slice(-5)).toEqual(['EXAMINE', 'IDLE', 'DONE', 'NOOP', 'IDLE']);
  });

  test('a server with neither is kept open and can be swept', async () => {
    const { watch, losses } = await open({ capabilities: all }, { limits: { idleRenewMs: 60 } });
    expect(watch.mode).toBe('none');
    await until(() => sent().filter((line) => line === 'NOOP').length >= 3);
    await expect(watch.sweep()).resolves.toMatchObject([{ path: 'INBOX', status: { uidNext: 1 } }]);
    expect(losses).toEqual([]);
  });

  test.each<[string, Handler]>([
    ['NO', refusing],
    [
      'BAD',
      ({ bad }: CommandContext) => {
        bad('Unknown command');
      },
    ],
    [
      'NO [BADEVENT]',
      ({ no }: CommandContext) => {
        no('[BADEVENT (MessageNew MessageExpunge)] no flags here');
      },
    ],
    [
      'NO [NOTIFICATIONOVERFLOW]',
      ({ no }: CommandContext) => {
        no('[NOTIFICATIONOVERFLOW] too many folders');
      },
    ],
  ])('NOTIFY answered with %s leaves IDLE', async (_answer, notify) => {
    const { watch } = await open({ capabilities: withNotify, on: { NOTIFY: notify } });
    expect(watch.mode).toBe('idle');
  });

  test.each<[string, Handler]>([
    ['NO', refusing],
    [
      'BAD',
      ({ bad }: CommandContext) => {
        bad('Unknown command');
      },
    ],
  ])('IDLE answered with %s leaves nothing but sweeps', async (_answer, idle) => {
    const { watch } = await open({ capabilities: withIdle, on: { IDLE: idle } });
    expect(watch.mode).toBe('none');
    await expect(watch.sweep()).resolves.toHaveLength(1);
    expect(idles()).toBe(1);
  });

  test('a folder that cannot be opened is not watched, and the account is swept', async () => {
    const { watch } = await open({ capabilities: withIdle }, { folder: 'Gone' });
    expect(watch.mode).toBe('none');
    expect(idles()).toBe(0);
    await expect(watch.sweep()).resolves.toHaveLength(1);
  });

  test('what the server can do is what it says after login', async () => {
    const login: Handler = ({ tag, send }) => {
      send(`${tag} OK [CAPABILITY IMAP4rev1 UIDPLUS] logged in`);
    };
    const less = await open({ capabilities: withNotify, on: { LOGIN: login } });
    expect(less.watch.mode).toBe('none');
    expect(sent()).not.toContain('NOTIFY');
    await less.watch.close();
    await server.stop();
    const more = await open({
      capabilities: [],
      greeting: '* OK [CAPABILITY IMAP4rev1] ready\r\n',
      on: {
        LOGIN: ({ tag, send }) => {
          send(`${tag} OK [CAPABILITY IMAP4rev1 IDLE] logged in`);
        },
      },
    });
    expect(more.watch.mode).toBe('idle');
  });
});

describe('news', () => {
  test.each([
    '* STATUS Archive (MESSAGES 1 UIDNEXT 2)',
    '* LIST () "/" New ("OLDNAME" ("Old"))',
    '* LIST (\\NonExistent) "/" Old',
    '* 3 FETCH (FLAGS (\\Seen))',
  ])('%s is news', async (line) => {
    const told = await open({ capabilities: withNotify });
    say(line);
    await until(() => told.news === 1);
  });

  test('each arrival and each removal in the folder that IDLE watches is news', async () => {
    const told = await open({ capabilities: withIdle });
    for (const [at, line] of [
      '* 1 EXISTS',
      '* 2 EXISTS',
      '* 2 EXPUNGE',
      '* 2 EXISTS',
      '* VANISHED 1:4294967295',
    ].entries()) {
      say(line);
      await until(() => told.news === at + 1);
    }
  });

  test('signs of life and junk are no news, and the connection stands them', async () => {
    const told = await open({ capabilities: withIdle });
    say('* 7 EXISTS');
    await until(() => told.news === 1);
    say(
      '* OK Still here',
      '* 7 EXISTS',
      '* 0 RECENT',
      '* ',
      'x',
      '* FLAGS (\\Seen',
      '* 99999999999999999999 (((',
      '+ ',
      '\0\0',
    );
    say('ZZ OK never asked', '* XYZZY', '* OK [UNSEEN] nothing', '* NO [ALERT] The disk is nearly full', '*');
    await expect(told.watch.sweep()).resolves.toHaveLength(1);
    expect(told).toMatchObject({ news: 1, losses: [] });
    say('* 8 EXISTS');
    await until(() => told.news === 2);
  });

  test('what comes in one piece is told once, and never while it is being told', async () => {
    let calls = 0;
    let inside = false;
    await open(
      { capabilities: withNotify },
      {
        onNews: () => {
          expect(inside).toBe(false);
          inside = true;
          calls += 1;
          inside = false;
        },
      },
    );
    say(...Array.from({ length: 100 }, (_, at) => `* STATUS INBOX (MESSAGES ${String(at)})`));
    await until(() => calls > 0);
    await soon(100);
    // The reading makes way for others every few lines.
    expect(calls).toBeLessThanOrEqual(20);
  });
});

describe('no gap', () => {
  test('what arrives while NOTIFY is being set is in the sweep', async () => {
    const { watch } = await open({
      capabilities: withNotify,
      on: {
        NOTIFY: ({ usual }) => {
          const inbox = server.folders.get('INBOX');
          if (inbox !== undefined) inbox.uidNext = 2;
          usual();
        },
      },
    });
    await expect(watch.sweep()).resolves.toMatchObject([{ status: { uidNext: 2 } }]);
  });

  test.each(['NOOP', 'LIST', 'IDLE'])(
    'what arrives between two IDLEs is news, also in the answer to %s',
    async (command) => {
      const told = await open({ capabilities: withIdle });
      await until(() => idles() === 2);
      server.on[command] = ({ send, usual }) => {
        send('* 1 EXISTS');
        usual();
      };
      await told.watch.sweep();
      await until(() => told.news === 1);
    },
  );

  test('IDLE is taken up again at once after a sweep', async () => {
    const { watch } = await open({ capabilities: withIdle });
    await until(() => idles() === 2);
    await watch.sweep();
    await until(() => idles() === 3);
    expect(sent().slice(sent().lastIndexOf('DONE'))).toEqual([
      'DONE',
      'NOOP',
      'LIST',
      expect.stringMatching(/^LSUB/),
      'IDLE',
    ]);
  });

  test('news that comes into the listing does not hide what is known of a folder', async () => {
    const { watch } = await open({
      capabilities: withNotify,
      on: {
        LIST: ({ send, usual, ok, earlier }) => {
          if (earlier > 0) {
            usual();
            return;
          }
          send('* LIST () "/" INBOX', '\r\n* STATUS INBOX (MESSAGES 0 UIDNEXT 1 UIDVALIDITY 1)');
          send('* STATUS INBOX (MESSAGES 1 UIDNEXT 2)');
          ok();
        },
      },
    });
    await expect(watch.sweep()).resolves.toMatchObject([{ path: 'INBOX', status: { uidValidity: '1' } }]);
  });

  test('sweeps asked for during a sweep are one more', async () => {
    let answer: () => void = () => undefined;
    const { watch } = await open({
      capabilities: withNotify,
      on: {
        LIST: ({ usual, earlier }) => {
          if (earlier === 0) answer = usual;
          else usual();
        },
      },
    });
    const first = watch.sweep();
    await until(() => sent().includes('LIST'));
    const [second, third] = [watch.sweep(), watch.sweep()];
    expect(second).toBe(third);
    expect(second).not.toBe(first);
    answer();
    await Promise.all([first, second]);
    expect(sent().filter((line) => line === 'LIST')).toHaveLength(2);
  });
});

describe('renewal', () => {
  test('IDLE is ended and begun again before the server drops it', async () => {
    const { watch, losses } = await open({ capabilities: withIdle }, { limits: { idleRenewMs: 50 } });
    await until(() => idles() >= 5);
    expect(sentAfterLogin().slice(-7, -4).sort()).toEqual(['DONE', 'IDLE', 'NOOP']);
    expect(losses).toEqual([]);
    expect(watch.mode).toBe('idle');
  });

  test('a server that ends IDLE itself now and then is asked again', async () => {
    let end: () => void = () => undefined;
    const idle: Handler = ({ usual, ok }) => {
      usual();
      end = ok;
    };
    const told = await open({ capabilities: withIdle, on: { IDLE: idle } });
    await until(() => idles() === 2);
    await soon(1_100);
    end();
    await until(() => idles() === 3);
    expect(sent().slice(-3)).toEqual(['IDLE', 'NOOP', 'IDLE']);
    expect(told.losses).toEqual([]);
  });

  test('a server that always ends IDLE at once loses the watch', async () => {
    const told = await open({
      capabilities: withIdle,
      on: {
        IDLE: ({ send, ok, usual, earlier }) => {
          if (earlier === 0) usual();
          else {
            send('+ idling');
            ok('idled');
          }
        },
      },
    });
    await until(() => told.losses.length > 0);
    expect(told.losses).toMatchObject([{ kind: 'unreachable', code: 'push-ended' }]);
    expect(idles()).toBeLessThan(6);
  });

  test('IDLE that is refused later loses the watch, so that it is opened anew', async () => {
    const told = await open({ capabilities: withIdle });
    await until(() => idles() === 2);
    server.on['IDLE'] = refusing;
    await told.watch.sweep();
    await until(() => told.losses.length > 0);
    expect(told.losses).toMatchObject([{ kind: 'unreachable', code: 'push-ended' }]);
  });

  test('a server that cannot keep up with NOTIFY is asked again at the next renewal', async () => {
    const told = await open({ capabilities: withNotify }, { limits: { idleRenewMs: 100 } });
    say('* OK [NOTIFICATIONOVERFLOW] Too much');
    await until(() => told.news === 2);
    expect(sent().filter((line) => line === 'NOTIFY')).toHaveLength(2);
    await until(() => sent().at(-1) === 'NOOP');
    server.on['NOTIFY'] = refusing;
    say('* OK [NOTIFICATIONOVERFLOW] Too much');
    await until(() => told.losses.length > 0);
    expect(told.losses).toMatchObject([{ kind: 'unreachable', code: 'push-ended' }]);
  });
});

describe('loss', () => {
  const quick = { limits: { socketTimeoutMs: 200, idleRenewMs: 100 } };

  test.each([
    ['* BYE Server shutting down', 'unreachable', 'connection-lost'],
    ['* BYE Too many simultaneous connections', 'busy', 'too-many-connections'],
    ['* BYE Session invalidated - AccessTokenExpired', 'credentials', 'login-refused'],
    ['* BYE IMAP access is disabled for your domain', 'refused', 'imap-disabled'],
  ])('%s', async (line, kind, code) => {
    const told = await open({ capabilities: withIdle });
    say(line);
    await until(() => told.losses.length > 0);
    await soon(50);
    expect(told.losses).toEqual([expect.objectContaining({ kind, code })]);
    await expect(told.watch.sweep()).rejects.toMatchObject({ kind, code });
  });

  test.each(['CAPABILITY', 'LOGIN', 'NOTIFY', 'EXAMINE', 'IDLE', 'NOOP'])(
    'a BYE in answer to %s fails the attempt and leaves nothing open',
    async (command) => {
      const bye: Handler = ({ send }) => {
        send('* BYE Too many simultaneous connections');
      };
      const capabilities = command === 'NOTIFY' ? withNotify : withIdle;
      const opening = open({ capabilities, on: { [command]: bye } });
      await expect(opening).rejects.toMatchObject({ kind: 'busy', code: 'too-many-connections' });
      await until(() => server.sockets.size === 0);
    },
  );

  test.each(['NOTIFY', 'EXAMINE', 'IDLE'])('silence in answer to %s fails the attempt', async (command) => {
    const capabilities = command === 'NOTIFY' ? withNotify : withIdle;
    const opening = open({ capabilities, on: { [command]: silent } }, { limits: { socketTimeoutMs: 200 } });
    await expect(opening).rejects.toMatchObject({ kind: 'unreachable', code: 'timed-out' });
    await until(() => server.sockets.size === 0);
  });

  test.each([
    ['notify', withNotify],
    ['idle', withIdle],
    ['none', all],
  ])('a half-open connection is found by the probe (%s)', async (mode, capabilities) => {
    const told = await open({ capabilities }, quick);
    expect(told.watch.mode).toBe(mode);
    server.on['NOOP'] = silent;
    await until(() => told.losses.length > 0);
    expect(told.losses).toMatchObject([{ kind: 'unreachable', code: 'timed-out' }]);
  });

  test('a server that talks and never answers is lost as well', async () => {
    const told = await open({ capabilities: withIdle }, quick);
    server.on['IDLE'] = ({ send }) => {
      const telling = setInterval(() => {
        send('* OK Still here');
      }, 20).unref();
      for (const socket of server.sockets) {
        socket.once('close', () => {
          clearInterval(telling);
        });
      }
    };
    await until(() => told.losses.length > 0);
    expect(told.losses).toMatchObject([{ kind: 'unreachable', code: 'timed-out' }]);
  });

  test.each(['idle', 'sweeping'])('a connection that is cut is lost once (%s)', async (when) => {
    const told = await open({ capabilities: withIdle });
    server.on['LIST'] = ({ cut }) => {
      cut();
    };
    const sweeping = when === 'sweeping' ? told.watch.sweep().catch((failure: unknown) => failure) : null;
    if (sweeping === null) for (const socket of server.sockets) socket.resetAndDestroy();
    await until(() => told.losses.length > 0);
    await soon(50);
    expect(told.losses).toEqual([expect.objectContaining({ kind: 'unreachable', code: 'connection-lost' })]);
    expect((await sweeping) ?? told.losses[0]).toMatchObject({ kind: 'unreachable', code: 'connection-lost' });
  });

  test('an answer too long for a watch ends it', async () => {
    const told = await open({ capabilities: withIdle });
    say(`* OK ${'x'.repeat(70_000)}`);
    await until(() => told.losses.length > 0);
    expect(told.losses).toMatchObject([{ kind: 'unreachable' }]);
    await told.watch.close();
    await server.stop();
    const other = await open({ capabilities: withIdle });
    say('* STATUS {900000000}');
    await until(() => other.losses.length > 0);
    expect(other.losses).toMatchObject([{ kind: 'unreachable', code: 'garbled-answer' }]);
  });

  test.each(['* 1 FETCH (FLAGS ())', '* OK x', '* (((', 'ZZ OK x'])(
    'a flood of %s ends the watch, and others get their turns meanwhile',
    async (line) => {
      const told = await open({ capabilities: withIdle }, { limits: { maxBytesPerMinute: 1_000_000 } });
      let turns = 0;
      const ticking = setInterval(() => {
        turns += 1;
      }, 0);
      say(...Array.from({ length: 20_000 }, () => line));
      await until(() => told.losses.length > 0);
      clearInterval(ticking);
      expect(told.losses).toMatchObject([{ kind: 'busy', code: 'flooded' }]);
      expect(turns).toBeGreaterThan(50);
      await until(() => server.sockets.size === 0);
    },
  );

  test('as much as is allowed within a minute is no flood', async () => {
    const told = await open({ capabilities: withIdle }, { limits: { maxBytesPerMinute: 100_000 } });
    for (let at = 0; at < 9; at += 1) say(`* OK ${'x'.repeat(10_000)}`);
    await told.watch.sweep();
    expect(told.losses).toEqual([]);
    say(`* OK ${'x'.repeat(10_000)}`);
    await until(() => told.losses.length > 0);
    expect(told.losses).toMatchObject([{ code: 'flooded' }]);
  });
});

describe('the end', () => {
  test('close says goodbye and tells nobody; it may be called twice', async () => {
    const told = await open({ capabilities: withIdle });
    await told.watch.close();
    await told.watch.close();
    expect(server.commands.at(-1)).toBe('LOGOUT');
    await until(() => server.sockets.size === 0);
    expect(told).toMatchObject({ news: 0, losses: [] });
    await expect(told.watch.sweep()).rejects.toMatchObject({ kind: 'unreachable', code: 'connection-lost' });
  });

  test('close ends a sweep that is not answered', async () => {
    const told = await open({ capabilities: withNotify, on: { LIST: silent } });
    const sweeping = told.watch.sweep().catch((failure: unknown) => failure);
    await until(() => sent().includes('LIST'));
    await told.watch.close();
    await expect(sweeping).resolves.toMatchObject({ kind: 'unreachable' });
    expect(told.losses).toEqual([]);
  });

  test('an abort ends the attempt, and later the watch', async () => {
    const stop = new AbortController();
    const told = await open({ capabilities: withNotify }, { signal: stop.signal });
    stop.abort();
    await until(() => told.losses.length > 0);
    expect(told.losses).toMatchObject([{ kind: 'unreachable', code: 'aborted' }]);
    await expect(watching(server.access(), { signal: stop.signal })).rejects.toMatchObject({ code: 'aborted' });
  });

  test('the host rules of every other connection hold', async () => {
    server = await startScriptedServer({ capabilities: withIdle });
    const opening = watching(server.access(), { hostRules: { allowedNetworks: [] } });
    await expect(opening).rejects.toMatchObject({ kind: 'refused', code: 'host-not-allowed' });
    expect(server.sockets.size).toBe(0);
  });
});
