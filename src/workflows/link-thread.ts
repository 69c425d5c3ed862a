import { changeLinks } from './change-links';
import type { LinksInput } from './contract';

/** Links the messages of a thread to a record. */
export function linkThread(input: LinksInput): Promise<string> {
  return changeLinks(input, { doing: 'links the thread', done: 'linked' });
}
