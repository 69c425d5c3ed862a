/** How many shards the mailboxes are watched in. A mailbox keeps its shard for good, so this number is not to be changed lightly. */
export const shardCount = 16;

/**
 * The shard of a mailbox, from 0: the last digit of its id, which is random in a version 7 UUID (RFC 9562 5.7). SQL says the same as
 * `right(id::text, 1)`, so that the mailboxes of a shard are found by an index.
 */
export function shardOf(mailboxId: string): number {
  return Number.parseInt(mailboxId.slice(-1), shardCount);
}

/**
 * How many shards a worker is to hold. `alive` are all workers that watch, oldest first: the shares of all of them add up to
 * `shardCount`, none differs from another by more than one, and whoever is not among them has none.
 */
export function shareOf(worker: string, alive: readonly string[]): number {
  const rank = alive.indexOf(worker);
  if (rank < 0) return 0;
  const [whole, rest] = [Math.floor(shardCount / alive.length), shardCount % alive.length];
  return whole + (rank < rest ? 1 : 0);
}
