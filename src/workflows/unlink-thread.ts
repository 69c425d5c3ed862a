import { changeLinks } from './change-links';
import type { LinksInput } from './contract';

/** Takes the messages of a thread away from a record; what rules had linked stays as suppressed. */
export function unlinkThread(input: LinksInput): Promise<string> {
  return changeLinks(input, { doing: 'takes the thread away from the record', done: 'taken away' });
}
