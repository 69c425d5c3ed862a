import { changeLinks } from './change-links';
import type { LinksInput } from './contract';

/** Links a thread again, as it stands now, whatever was taken away of it. */
export function relinkThread(input: LinksInput): Promise<string> {
  return changeLinks(input, { doing: 'links the thread again', done: 'linked again' });
}
