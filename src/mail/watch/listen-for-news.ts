import type { ImapFlow } from 'imapflow';

import { internalsOf } from './imapflow-internals';

/**
 * Calls back for every answer nobody asked for that may be news. The handlers of imapflow are replaced, not joined: they walk what
 * the server sent (VANISHED 1:4294967295) and keep a state that a watch does not use. An EXISTS with the number of the last one is a
 * sign of life of some servers and no news.
 */
export function listenForNews(client: ImapFlow, told: () => void): void {
  const { untaggedHandlers } = internalsOf(client);
  let exists: string | undefined;
  const news = (): Promise<void> => {
    told();
    return Promise.resolve();
  };
  const changed = (): Promise<void> => {
    exists = undefined;
    return news();
  };
  Object.assign(untaggedHandlers, {
    EXISTS: ({ command }) => {
      if (command === exists) return Promise.resolve();
      exists = command;
      return news();
    },
    EXPUNGE: changed,
    VANISHED: changed,
    FETCH: news,
    STATUS: news,
    LIST: news,
  } satisfies typeof untaggedHandlers);
}
