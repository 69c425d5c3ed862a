import { messagesOf, type ScriptedFolder, type ScriptedMessage } from './scripted-imap-folder';
import type { CommandContext, ScriptedServer } from './scripted-imap-server';

/** How a server hides a part of its folders. */
export interface Capped {
  /** The newest so many in any one answer. */
  each: number;
  /** Only the newest so many exist for whoever asks by these ways. */
  hidden?: { from: ('number' | 'uid' | 'date')[]; shown: number };
  /** What EXISTS says; the truth where absent. */
  exists?: number;
  /** What STATUS says; the truth where absent. */
  status?: number;
}

/** Makes a server answer with a part of what it was asked for, and say nothing of it. Bytes of messages come as they are asked for. */
export function capAnswers(server: ScriptedServer, capped: Capped): void {
  Object.assign(server.on, {
    EXAMINE: (context: CommandContext) => {
      context.usual();
      if (capped.exists !== undefined) context.send(`* ${String(capped.exists)} EXISTS`);
    },
    STATUS: (context: CommandContext) => {
      if (capped.status === undefined) context.usual();
      else {
        const [path = ''] = context.args.split(' ');
        const folder = server.folders.get(path.replaceAll('"', ''));
        const { uidNext = 1, uidValidity = '1' } = folder ?? {};
        const counts = `MESSAGES ${String(capped.status)} UIDNEXT ${String(uidNext)} UIDVALIDITY ${uidValidity}`;
        context.send(`* STATUS ${path} (${counts})`);
        context.ok();
      }
    },
    'UID SEARCH': (context: CommandContext) => {
      const found = newest(matching(context, capped), capped.each);
      context.send(`* SEARCH ${found.map(({ uid }) => uid).join(' ')}`.trimEnd());
      context.ok();
    },
    'UID FETCH': (context: CommandContext) => {
      if (/BODY|RFC822|FLAGS/.test(context.args)) context.usual();
      else sendRows(context, newest(asked(context, visible(context, capped, 'uid')), capped.each));
    },
    FETCH: (context: CommandContext) => {
      const [from = '1', to = from] = (context.args.split(' ')[0] ?? '').split(':');
      const all = visible(context, capped, 'number');
      sendRows(context, newest(all.slice(Number(from) - 1, Number(to)), capped.each));
    },
  });
}

function newest(messages: ScriptedMessage[], most: number): ScriptedMessage[] {
  return messages.slice(Math.max(0, messages.length - most));
}

function visible({ folder }: CommandContext, { hidden }: Capped, by: 'number' | 'uid' | 'date'): ScriptedMessage[] {
  const all = folder?.messages ?? [];
  return hidden?.from.includes(by) === true ? newest(all, hidden.shown) : all;
}

function asked({ args }: CommandContext, messages: ScriptedMessage[]): ScriptedMessage[] {
  const folder = { messages } as ScriptedFolder;
  return messagesOf(folder, args.split(' ')[0] ?? '');
}

/** A SEARCH for all is one for all UIDs. */
function matching(context: CommandContext, capped: Capped): ScriptedMessage[] {
  const { args } = context;
  const since = dayIn(/SINCE (\S+)/i.exec(args)?.[1]) ?? -Infinity;
  const before = dayIn(/BEFORE (\S+)/i.exec(args)?.[1]) ?? Infinity;
  const byDate = since !== -Infinity || before !== Infinity;
  return visible(context, capped, byDate ? 'date' : 'uid').filter(({ internalDate }) => {
    return internalDate.getTime() >= since && internalDate.getTime() < before;
  });
}

function dayIn(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Date.parse(`${text.replaceAll('"', '')} UTC`);
}

function sendRows(context: CommandContext, messages: ScriptedMessage[]): void {
  for (const { uid } of messages) context.sendRow(uid);
  context.ok();
}
