import { changeLinks } from './change-links';
import type { LinksInput } from './contract';

/** Links many messages to records, or takes them away. */
export function linkMessages(input: LinksInput): Promise<string> {
  return changeLinks(input, { doing: 'changes the links of messages', done: 'changed' });
}

/** Makes links again what they were before an operation. */
export function undoLinks(input: LinksInput): Promise<string> {
  return changeLinks(input, { doing: 'undoes what was done to links', done: 'undone' });
}
