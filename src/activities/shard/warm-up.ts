/** Gets workflows into a worker's memory before there is mail for them. */
export interface WarmUp {
  /** Asks for this mailbox in its turn. Never fails: who was not warmed is loaded when mail comes. */
  warm(mailboxId: string): void;
  /** Asks for no more. */
  end(): void;
}

export interface WarmUpOptions {
  /** Has a worker load the workflow of a mailbox; resolves when that is done. */
  load: (mailboxId: string) => Promise<void>;
  /** So many are asked for at once: a round that is due must not wait for those that may be. */
  atOnce: number;
}

/**
 * After a deploy or a crash a worker knows no workflow, and the first mail of each mailbox would wait until its history was fetched and run
 * through again; that of hundreds of mailboxes within seconds, for one another too. A load that fails ends the turn of all that wait: no worker
 * is there, or Temporal is away, and then there is nothing to gain.
 */
export function createWarmUp({ load, atOnce }: WarmUpOptions): WarmUp {
  const waiting = new Set<string>();
  let loading = 0;

  function next(): void {
    for (const mailboxId of waiting) {
      if (loading >= atOnce) return;
      waiting.delete(mailboxId);
      loading += 1;
      load(mailboxId)
        .catch(() => {
          waiting.clear();
        })
        .finally(() => {
          loading -= 1;
          next();
        });
    }
  }

  return {
    warm: (mailboxId) => {
      waiting.add(mailboxId);
      next();
    },
    end: () => {
      waiting.clear();
    },
  };
}
