/** What is known of a message before its bytes are fetched. */
interface Sized {
  uid: number;
  size: number;
}

export interface BatchLimits {
  messages: number;
  bytes: number;
  /** Messages above this size are never put in a batch. */
  streamAboveBytes: number;
  /** Messages above this are not fetched at all, only their header. */
  maxMessageBytes: number;
}

/** How messages are fetched: batches bounded by count and bytes, then the big ones one by one, then those above the policy's limit. */
export interface FetchPlan<Item extends Sized> {
  batches: Item[][];
  streamed: Item[];
  tooLarge: Item[];
}

/** Plans the fetch, newest (highest UID) first. A batch holds at least one message; every message is in exactly one place. */
export function planFetch<Item extends Sized>(items: readonly Item[], limits: BatchLimits): FetchPlan<Item> {
  const plan: FetchPlan<Item> = { batches: [], streamed: [], tooLarge: [] };
  let batch: Item[] = [];
  let bytes = 0;
  for (const item of [...items].sort((one, other) => other.uid - one.uid)) {
    if (item.size > limits.maxMessageBytes) plan.tooLarge.push(item);
    else if (item.size > limits.streamAboveBytes) plan.streamed.push(item);
    else {
      if (batch.length >= limits.messages || (batch.length > 0 && bytes + item.size > limits.bytes)) {
        plan.batches.push(batch);
        batch = [];
        bytes = 0;
      }
      batch.push(item);
      bytes += item.size;
    }
  }
  if (batch.length > 0) plan.batches.push(batch);
  return plan;
}
