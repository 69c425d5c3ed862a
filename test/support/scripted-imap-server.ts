import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, TLSSocket } from 'node:tls';

import type { MailboxAccess } from '../../src/mail/mailbox';
import { fetchItemsOf, folderOf, messagesOf, type FolderWish, type ScriptedFolder } from './scripted-imap-folder';

/** What a handler gets: one command, and the means to answer it in any way, also wrongly. */
export interface CommandContext {
  tag: string;
  /** Upper case, with UID: `UID FETCH`. */
  command: string;
  /** What follows the command; literals stand in it as quoted strings. */
  args: string;
  /** The folder that is selected. */
  folder: ScriptedFolder | undefined;
  server: ScriptedServer;
  /** Counts connections from 1. */
  connection: number;
  /** How many times this command has come before, over all connections. */
  earlier: number;
  /** Lines get their CRLF; Buffers are sent as a literal with its length before it. */
  send: (...parts: (string | Buffer)[]) => void;
  /** `* <seq> FETCH (...)` of a message of the folder as asked for, or with other items. */
  sendRow: (uid: number, items?: (string | Buffer)[]) => void;
  ok: (text?: string) => void;
  no: (text: string) => void;
  bad: (text: string) => void;
  /** Does what the server does without a handler. */
  usual: () => void;
  /** Bytes as they are, without a line end of ours. */
  sendRaw: (bytes: Buffer) => void;
  /** Ends the TCP connection without a word. */
  cut: () => void;
}

/** Answers a command; one that sends nothing stalls. */
export type Handler = (context: CommandContext) => void;

export interface Script {
  /** Sent as it is; null sends nothing. */
  greeting?: string | Buffer | null;
  /** Without IMAP4rev1. */
  capabilities?: string[];
  folders?: Record<string, FolderWish>;
  on?: Record<string, Handler>;
  /** TLS from the start, or after STARTTLS. */
  tls?: { key: string; cert: string; from: 'start' | 'starttls' };
  password?: string;
}

export interface ScriptedServer {
  port: number;
  folders: Map<string, ScriptedFolder>;
  /** Every command line as it came, without tags: `EXAMINE INBOX`. */
  commands: string[];
  /** How many connections there have been. */
  connections: number;
  /** Connections that are open. */
  sockets: Set<Socket>;
  on: Record<string, Handler>;
  access: (change?: Partial<MailboxAccess>) => MailboxAccess;
  stop: () => Promise<void>;
}

const usualCapabilities = ['LITERAL+', 'ENABLE', 'UIDPLUS', 'CONDSTORE', 'NAMESPACE', 'UNSELECT'];

/** Starts an IMAP server on a free port of 127.0.0.1 that behaves, except where the script says otherwise. */
export async function startScriptedServer(script: Script = {}): Promise<ScriptedServer> {
  const folders = Object.entries({ INBOX: {}, ...script.folders });
  const server: ScriptedServer = {
    port: 0,
    folders: new Map(folders.map(([path, wish]) => [path, folderOf(wish)])),
    commands: [],
    connections: 0,
    sockets: new Set(),
    on: { ...script.on },
    access: (change) => ({
      ...{ host: '127.0.0.1', port: server.port, security: script.tls?.from === 'start' ? 'tls' : 'none' },
      ...{ allowInvalidCertificate: false, ca: null, username: 'somebody', password: 'pass', ...change },
    }),
    stop: async () => {
      for (const socket of server.sockets) socket.destroy();
      await new Promise((resolve) => listener.close(resolve));
    },
  };
  const accept = (socket: Socket): void => {
    server.sockets.add(socket);
    socket.once('close', () => server.sockets.delete(socket));
    new Connection(socket, server, script).begin();
  };
  const listener: Server = script.tls?.from === 'start' ? createTlsServer(script.tls, accept) : createServer(accept);
  listener.on('tlsClientError', () => undefined);
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  server.port = (listener.address() as AddressInfo).port;
  return server;
}

const literalMark = /\{(\d+)\+?\}$/;

class Connection {
  private readonly number: number;
  private input = Buffer.alloc(0);
  private line = '';
  private literalBytes = 0;
  private selected: ScriptedFolder | undefined;
  private pendingSasl: string | undefined;
  private idling: string | undefined;

  constructor(
    private socket: Socket,
    private readonly server: ScriptedServer,
    private readonly script: Script,
  ) {
    server.connections += 1;
    this.number = server.connections;
  }

  begin(): void {
    this.listen();
    const { greeting } = this.script;
    if (greeting !== null) this.socket.write(greeting ?? '* OK scripted server ready\r\n');
  }

  private listen(): void {
    this.socket.setNoDelay(true);
    this.socket.on('error', () => undefined);
    this.socket.on('data', (chunk: Buffer) => {
      this.input = Buffer.concat([this.input, chunk]);
      while (this.takeLine());
    });
  }

  /** Takes one line, or the literal that a line announced, from the input. */
  private takeLine(): boolean {
    if (this.literalBytes > 0) {
      if (this.input.length < this.literalBytes) return false;
      this.line += `"${this.input.subarray(0, this.literalBytes).toString()}"`;
      this.input = this.input.subarray(this.literalBytes);
      this.literalBytes = 0;
    }
    const end = this.input.indexOf('\r\n');
    if (end < 0) return false;
    this.line += this.input.subarray(0, end).toString();
    this.input = this.input.subarray(end + 2);
    const literal = literalMark.exec(this.line);
    if (literal === null) {
      this.take(this.line);
      this.line = '';
      return true;
    }
    this.line = this.line.slice(0, literal.index);
    this.literalBytes = Number(literal[1]);
    if (!literal[0].includes('+')) this.socket.write('+ go on\r\n');
    return true;
  }

  private take(line: string): void {
    if (this.pendingSasl !== undefined) {
      const [, , password = ''] = Buffer.from(line, 'base64').toString().split('\0');
      const tag = this.pendingSasl;
      this.pendingSasl = undefined;
      this.login(tag, password);
      return;
    }
    if (line.toUpperCase() === 'DONE') {
      this.done();
      return;
    }
    const [, tag = '', command = '', args = ''] = /^(\S+) ((?:UID )?\S+) ?([^]*)$/i.exec(line) ?? [];
    const name = command.toUpperCase();
    const earlier = this.server.commands.filter((one) => one.startsWith(name)).length;
    this.server.commands.push(`${name}${args === '' ? '' : ` ${args}`}`);
    const context = this.contextOf({ tag, command: name, args, earlier });
    const handler = this.server.on[name];
    if (handler === undefined) this.usual(context);
    else handler(context);
  }

  private contextOf(one: { tag: string; command: string; args: string; earlier: number }): CommandContext {
    const send = (...parts: (string | Buffer)[]): void => {
      this.send(parts);
    };
    const context: CommandContext = {
      ...one,
      folder: this.selected,
      server: this.server,
      connection: this.number,
      send,
      sendRow: (uid, items) => {
        const at = this.selected?.messages.findIndex((message) => message.uid === uid) ?? -1;
        const message = this.selected?.messages[at];
        const answer = items ?? (message === undefined ? [`UID ${String(uid)}`] : fetchItemsOf(message, one.args));
        send(`* ${String(at + 1 || 1)} FETCH (`, ...answer, ')');
      },
      ok: (text = 'done') => {
        send(`${one.tag} OK ${text}`);
      },
      no: (text) => {
        send(`${one.tag} NO ${text}`);
      },
      bad: (text) => {
        send(`${one.tag} BAD ${text}`);
      },
      usual: () => {
        this.usual(context);
      },
      sendRaw: (bytes) => {
        if (!this.socket.destroyed) this.socket.write(bytes);
      },
      cut: () => {
        this.socket.destroy();
      },
    };
    return context;
  }

  private send(parts: (string | Buffer)[]): void {
    const bytes = parts.flatMap((part) =>
      typeof part === 'string' ? [Buffer.from(part)] : [Buffer.from(`{${String(part.length)}}\r\n`), part],
    );
    if (!this.socket.destroyed) this.socket.write(Buffer.concat([...bytes, Buffer.from('\r\n')]));
  }

  private done(): void {
    this.server.commands.push('DONE');
    if (this.idling !== undefined) this.send([`${this.idling} OK idled`]);
    this.idling = undefined;
  }

  private login(tag: string, password: string): void {
    const right = password === (this.script.password ?? 'pass');
    this.send([right ? `${tag} OK logged in` : `${tag} NO [AUTHENTICATIONFAILED] Authentication failed.`]);
  }

  private usual(context: CommandContext): void {
    const answer = this.answers[context.command];
    if (answer === undefined) context.bad('Unknown command');
    else answer(context);
  }

  private capabilities(): string {
    const tls = this.script.tls?.from === 'starttls' && !(this.socket instanceof TLSSocket) ? ['STARTTLS'] : [];
    return ['IMAP4rev1', ...(this.script.capabilities ?? usualCapabilities), ...tls].join(' ');
  }

  private has(capability: string): boolean {
    return this.capabilities().split(' ').includes(capability);
  }

  private readonly answers: Record<string, Handler> = {
    CAPABILITY: ({ send, ok }) => {
      send(`* CAPABILITY ${this.capabilities()}`);
      ok();
    },
    NOOP: ({ ok }) => {
      ok();
    },
    IDLE: ({ tag, send }) => {
      this.idling = tag;
      send('+ idling');
    },
    NOTIFY: ({ ok }) => {
      ok();
    },
    ID: ({ send, ok }) => {
      send('* ID NIL');
      ok();
    },
    NAMESPACE: ({ send, ok }) => {
      send('* NAMESPACE (("" "/")) NIL NIL');
      ok();
    },
    ENABLE: ({ args, send, ok }) => {
      send(`* ENABLED ${args}`);
      ok();
    },
    STARTTLS: ({ ok }) => {
      ok();
      const { tls } = this.script;
      if (tls === undefined) return;
      this.socket.removeAllListeners('data');
      const { key, cert } = tls;
      this.socket = new TLSSocket(this.socket, { isServer: true, key, cert });
      this.listen();
    },
    LOGIN: ({ tag, args }) => {
      this.login(tag, wordsOf(args)[1] ?? '');
    },
    AUTHENTICATE: ({ tag, send }) => {
      this.pendingSasl = tag;
      send('+ ');
    },
    LIST: ({ args, send, ok }) => {
      const [, pattern = '*'] = wordsOf(args);
      const asked = /RETURN \(.*STATUS \(([^)]*)\)/i.exec(args)?.[1];
      for (const [path, folder] of this.server.folders) {
        if (pattern !== '*' && pattern !== path) continue;
        send(`* LIST (${folder.attributes.join(' ')}) "/" "${path}"`);
        if (asked !== undefined) send(`* STATUS "${path}" (${statusOf(folder, asked)})`);
      }
      ok();
    },
    LSUB: ({ ok }) => {
      ok();
    },
    STATUS: ({ args, send, ok, no }) => {
      const [path = '', ...items] = wordsOf(args);
      const folder = this.server.folders.get(path);
      if (folder === undefined) {
        no('[NONEXISTENT] No such mailbox');
        return;
      }
      send(`* STATUS "${path}" (${statusOf(folder, items.join(' '))})`);
      ok();
    },
    SELECT: (context) => {
      this.open(context, 'READ-WRITE');
    },
    EXAMINE: (context) => {
      this.open(context, 'READ-ONLY');
    },
    'UID SEARCH': ({ args, send, ok }) => {
      const folder = this.selected;
      const found = folder?.messages.filter(
        (message) =>
          (!/\bUNSEEN\b/i.test(args) || !message.flags.includes('\\Seen')) &&
          (!/\bUID\b/i.test(args) || messagesOf(folder, args.replace(/.*UID /i, '')).includes(message)),
      );
      send(`* SEARCH ${(found ?? []).map(({ uid }) => uid).join(' ')}`.trimEnd());
      ok();
    },
    'UID FETCH': ({ args, sendRow, ok }) => {
      const since = Number(/CHANGEDSINCE (\d+)/i.exec(args)?.[1] ?? 0);
      const messages = this.selected === undefined ? [] : messagesOf(this.selected, wordsOf(args)[0] ?? '');
      for (const { uid, modseq } of messages) if (modseq > since) sendRow(uid);
      ok();
    },
    FETCH: ({ args, folder, sendRow, ok }) => {
      const [from = '1', to = from] = (wordsOf(args)[0] ?? '').split(':');
      for (const { uid } of folder?.messages.slice(Number(from) - 1, Number(to)) ?? []) sendRow(uid);
      ok();
    },
    'UID STORE': ({ args, folder, ok }) => {
      const flags = /\(([^)]*)\)/.exec(args)?.[1]?.split(' ') ?? [];
      for (const message of folder === undefined ? [] : messagesOf(folder, wordsOf(args)[0] ?? '')) {
        message.flags = [...new Set([...message.flags, ...flags])];
      }
      ok();
    },
    UNSELECT: ({ ok }) => {
      this.selected = undefined;
      ok();
    },
    LOGOUT: ({ send, ok }) => {
      send('* BYE see you');
      ok();
      this.socket.end();
    },
  };

  private open({ args, send, ok, no }: CommandContext, mode: string): void {
    const folder = this.server.folders.get(wordsOf(args)[0] ?? '');
    this.selected = folder;
    if (folder === undefined) {
      no('[NONEXISTENT] No such mailbox');
      return;
    }
    send('* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)');
    send('* OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft \\*)] Flags');
    send(`* ${String(folder.messages.length)} EXISTS`);
    send(`* OK [UIDVALIDITY ${folder.uidValidity}] valid`);
    if (folder.mailboxId !== null) send(`* OK [MAILBOXID (${folder.mailboxId})] id`);
    send(`* OK [UIDNEXT ${String(folder.uidNext)}] next`);
    if (this.has('CONDSTORE') && folder.highestModseq !== null)
      send(`* OK [HIGHESTMODSEQ ${folder.highestModseq}] highest`);
    ok(`[${mode}] opened`);
  }
}

function statusOf(folder: ScriptedFolder, items: string): string {
  const values: [string, string | null][] = [
    ['MESSAGES', String(folder.messages.length)],
    ['UIDNEXT', String(folder.uidNext)],
    ['UIDVALIDITY', folder.uidValidity],
    ['HIGHESTMODSEQ', folder.highestModseq],
  ];
  return values
    .flatMap(([name, value]) => (items.includes(name) && value !== null ? [`${name} ${value}`] : []))
    .join(' ');
}

/** Atoms and quoted strings of a command line. */
function wordsOf(args: string): string[] {
  return [...args.matchAll(/"((?:[^"\\]|\\.)*)"|([^\s"]+)/g)].map(([, quoted, atom]) =>
    quoted === undefined ? (atom ?? '') : quoted.replace(/\\(.)/g, '$1'),
  );
}
