import { fetchItemsOf, messagesOf, type FolderWish } from './scripted-imap-folder';
import { startScriptedServer, type Handler, type Script, type ScriptedServer } from './scripted-imap-server';

export const uidOnlyCapabilities = ['ENABLE', 'UIDPLUS', 'CONDSTORE', 'NAMESPACE', 'UNSELECT', 'UIDONLY'];

/**
 * A server that shows the newest messages of a folder only, and all of them to who speaks UIDONLY (RFC 9586): FETCH is answered by UIDFETCH
 * without a UID item then, and commands by sequence numbers by BAD.
 */
export async function startUidOnlyServer(
  folders: Record<string, FolderWish>,
  { shown, on, ...script }: { shown: number } & Script,
): Promise<ScriptedServer> {
  const speakers = new Set<number>();
  const partly =
    (handler: Handler): Handler =>
    (context) => {
      const { folder } = context;
      if (folder === undefined || speakers.has(context.connection)) {
        handler(context);
        return;
      }
      handler({ ...context, folder: { ...folder, messages: folder.messages.slice(-shown) } });
    };
  const byNumber: Handler = ({ connection, bad, usual }) => {
    if (speakers.has(connection)) bad('[UIDREQUIRED] No sequence numbers here');
    else usual();
  };
  return startScriptedServer({
    capabilities: uidOnlyCapabilities,
    ...script,
    folders,
    on: {
      ENABLE: ({ args, connection, usual }) => {
        if (args.includes('UIDONLY')) speakers.add(connection);
        usual();
      },
      EXAMINE: ({ args, connection, server, usual }) => {
        const folder = server.folders.get(/^"?([^" ]+)/.exec(args)?.[1] ?? '');
        if (folder === undefined || speakers.has(connection)) {
          usual();
          return;
        }
        const { messages } = folder;
        folder.messages = messages.slice(-shown);
        usual();
        folder.messages = messages;
      },
      'UID SEARCH': partly(({ args, folder, send, ok }) => {
        const set = /UID ([\d:*,]+)/.exec(args)?.[1] ?? '1:*';
        const found = folder === undefined ? [] : messagesOf(folder, set);
        send(`* SEARCH ${found.map(({ uid }) => uid).join(' ')}`.trimEnd());
        ok();
      }),
      'UID FETCH': partly(({ args, connection, folder, send, ok }) => {
        const since = Number(/CHANGEDSINCE (\d+)/i.exec(args)?.[1] ?? 0);
        for (const message of folder === undefined ? [] : messagesOf(folder, args.split(' ')[0] ?? '')) {
          if (message.modseq <= since) continue;
          if (speakers.has(connection)) {
            send(`* ${String(message.uid)} UIDFETCH (`, ...fetchItemsOf(message, args.replace(/\bUID\b/, '')), ')');
          } else
            send(
              `* ${String((folder?.messages.indexOf(message) ?? 0) + 1)} FETCH (`,
              ...fetchItemsOf(message, args),
              ')',
            );
        }
        ok();
      }),
      FETCH: byNumber,
      SEARCH: byNumber,
      STORE: byNumber,
      ...on,
    },
  });
}
