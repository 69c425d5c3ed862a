import { setTimeout as sleep } from 'node:timers/promises';

import { foundAgain, type Violation } from '../../domain/verify';
import type { VerifyOptions } from './context';

type Patience = Pick<VerifyOptions, 'secondLookMs' | 'signal'>;

/** What is wrong and still is after a while: what is just being written is neither. */
export function twice(patience: Patience, look: () => Promise<Violation[]>): Promise<Violation[]> {
  return twiceEach(patience, [null], look);
}

/** The same for each of several things; only those with something wrong are looked at again, all after one pause. */
export async function twiceEach<Item>(
  { secondLookMs, signal }: Patience,
  items: Iterable<Item>,
  look: (item: Item) => Promise<Violation[]>,
): Promise<Violation[]> {
  const suspicious: Item[] = [];
  const first: Violation[] = [];
  for (const item of items) {
    signal.throwIfAborted();
    const found = await look(item);
    if (found.length > 0) suspicious.push(item);
    first.push(...found);
  }
  if (suspicious.length === 0) return [];
  await sleep(secondLookMs, undefined, { signal });
  const second: Violation[] = [];
  for (const item of suspicious) second.push(...(await look(item)));
  return foundAgain(first, second);
}
