import type { PartDescriptor } from '../../domain/message';
import { ThreadPool, type PoolSettings } from '../parse/thread-pool';
import type { SanitisedHtml, SanitiseOptions } from './sanitise-html';

export interface ShowWish extends SanitiseOptions {
  /** The kept bytes of a copy. */
  raw: Buffer;
  /** As they lie in these bytes. */
  parts: PartDescriptor[];
}

/** Makes HTML of messages fit to be shown, in threads of their own: no message holds up anything but itself. */
export interface HtmlPool {
  /**
   * What `readHtml` and `sanitiseHtml` make of a message; null where it has no HTML, `too-hard` where that takes too long, too much memory
   * or ends its thread.
   * @throws Error where no thread can be started, or the pool is closed
   */
  show(wish: ShowWish): Promise<SanitisedHtml | 'too-hard' | null>;
  /** Ends all threads. What was not answered is rejected. */
  close(): Promise<void>;
}

/** Makes a pool. Threads are started when there is work for them, and replaced when they end. */
export function createHtmlPool(settings: Omit<PoolSettings, 'program'>): HtmlPool {
  const pool = new ThreadPool({ ...settings, program: '../html/html-thread' });
  return {
    show: ({ raw, ...wish }) =>
      new Promise((resolve, reject) => {
        pool.ask({
          first: false,
          size: raw.length,
          toThread: () => {
            const bytes = new Uint8Array(raw);
            return { message: { ...wish, bytes }, transfer: [bytes.buffer] };
          },
          answered: (answer) => {
            if (answer.kind === 'html') resolve(answer.html);
            else reject(new Error('The thread answered something else.'));
          },
          blamed: () => {
            resolve('too-hard');
          },
          reject,
        });
      }),
    close: () => pool.close(),
  };
}
