import { fetchItemsOf } from '../support/scripted-imap-folder';
import type { CommandContext, ScriptedServer } from '../support/scripted-imap-server';
import { diceOf } from './dice';
import { liars, lieOf, type Answer } from './imap-lies';

/** A lie that was told. */
export interface ToldLie {
  /** Of all answers of the session, counted from 0. */
  number: number;
  lie: string;
  command: string;
  /** The answer with the lie, as far as it is short. */
  answer: string;
  /** It says which messages are in a folder, or which folders there are, otherwise than it is. */
  tellsOfUids: boolean;
}

export interface LyingServer {
  /** Whether it lies now. */
  lies: boolean;
  told: ToldLie[];
}

const commands = [
  ...[
    'CAPABILITY',
    'NOOP',
    'ID',
    'NAMESPACE',
    'ENABLE',
    'LOGIN',
    'LIST',
    'LSUB',
    'STATUS',
    'SELECT',
    'EXAMINE',
    'UID SEARCH',
  ],
  ...['UID FETCH', 'FETCH', 'UID STORE', 'UNSELECT', 'LOGOUT'],
];

/** A lie here ends most sessions before they have begun. */
const loggingIn = new Set(['CAPABILITY', 'ID', 'NAMESPACE', 'ENABLE', 'LOGIN', 'LIST', 'LSUB']);

/** Makes a scripted server lie in a share of its answers while it is told to. Which answers, and how, only the seed and their number decide. */
export function liarOn(
  server: ScriptedServer,
  wish: { seed: string; number: number; share: number; onlyLies?: ReadonlySet<number> },
): LyingServer {
  const liar: LyingServer = { lies: false, told: [] };
  let answers = 0;
  for (const command of commands) {
    server.on[command] = (context) => {
      if (!liar.lies) {
        context.usual();
        return;
      }
      const number = answers;
      answers += 1;
      const dice = diceOf(`${wish.seed}/session/${String(wish.number)}/answer/${String(number)}`);
      const isMeant = wish.onlyLies?.has(number) ?? true;
      const share = loggingIn.has(command) ? wish.share / 4 : wish.share;
      if (!dice.happens(share) || !isMeant) {
        context.usual();
        return;
      }
      const name = lieOf(dice);
      const honest = usualAnswer(context);
      const uids = context.folder?.messages.map(({ uid }) => uid) ?? [];
      const lie = liars[name]?.(honest, { dice, tag: context.tag, command, uids });
      if (lie === undefined) return;
      const bytes = Buffer.concat(lie.lines);
      liar.told.push({
        number,
        lie: name,
        command,
        answer: bytes.toString('latin1', 0, 600),
        tellsOfUids: uidsToldIn(honest) !== uidsToldIn(lie.lines),
      });
      context.sendRaw(bytes);
      if (lie.after === 'cuts') setImmediate(context.cut);
    };
  }
  return liar;
}

/** What the server would answer, in lines. */
function usualAnswer(context: CommandContext): Answer {
  const lines: Answer = [];
  const send: CommandContext['send'] = (...parts) => {
    const pieces = parts.flatMap((part) =>
      typeof part === 'string' ? [Buffer.from(part)] : [Buffer.from(`{${String(part.length)}}\r\n`), part],
    );
    lines.push(Buffer.concat([...pieces, Buffer.from('\r\n')]));
  };
  const end = (word: string) => (text: string) => send(`${context.tag} ${word} ${text}`);
  if (context.command === 'LOGIN') send(`${context.tag} OK logged in`);
  else {
    Object.assign(context, { send, sendRow: rowsTo(send, context), no: end('NO'), bad: end('BAD') });
    context.ok = (text = 'done') => end('OK')(text);
    context.usual();
  }
  return lines;
}

function rowsTo(send: CommandContext['send'], { folder, args }: CommandContext): CommandContext['sendRow'] {
  return (uid) => {
    const at = folder?.messages.findIndex((message) => message.uid === uid) ?? -1;
    const message = folder?.messages[at];
    if (message !== undefined) send(`* ${String(at + 1)} FETCH (`, ...fetchItemsOf(message, args), ')');
  };
}

/** All that an answer says of which messages and folders there are. */
function uidsToldIn(lines: Answer): string {
  const text = Buffer.concat(lines).toString('latin1');
  return (
    text.match(
      /(?:\* SEARCH|EXISTS|EXPUNGE|VANISHED|UIDVALIDITY|UID |\* LIST|\* STATUS|MAILBOXID|EMAILID|\d+ (?=EXISTS|EXPUNGE))[^\r\n{]*/gi,
    ) ?? []
  ).join('|');
}
