/** Why a shard pokes: there is news, or the mailbox can no longer be watched and its round is to find out what that means. */
export type ShardPoke = 'arrival' | 'watch';

const againAfterMs = 2_000;

export interface PokerOptions {
  /** Sends one; resolves also where the workflow does not run. */
  send: (reason: ShardPoke) => Promise<void>;
  now: () => number;
  /** At least so long between two. */
  spacingMs: number;
}

/**
 * Turns news of one mailbox into few pokes: the first goes at once, one is under way at most, and one waits at most, for the spacing. What
 * could not be sent is sent again until it can be. There is a timer only while something waits.
 */
export class Poker {
  private sentAt = Number.NEGATIVE_INFINITY;
  private isSending = false;
  private waiting: ShardPoke | null = null;
  private timer: NodeJS.Timeout | undefined;
  private isEnded = false;

  constructor(private readonly options: PokerOptions) {}

  poke(reason: ShardPoke): void {
    this.waiting = this.waiting === 'arrival' ? 'arrival' : reason;
    this.go(0);
  }

  end(): void {
    this.isEnded = true;
    clearTimeout(this.timer);
  }

  private go(waitMs: number): void {
    if (this.isEnded || this.isSending || this.waiting === null || this.timer !== undefined) return;
    const dueInMs = Math.max(waitMs, this.sentAt + this.options.spacingMs - this.options.now());
    if (dueInMs <= 0) void this.send(this.waiting);
    else {
      this.timer = setTimeout(() => {
        this.timer = undefined;
        this.go(0);
      }, dueInMs);
    }
  }

  private async send(reason: ShardPoke): Promise<void> {
    this.waiting = null;
    this.isSending = true;
    this.sentAt = this.options.now();
    const sent = await this.options.send(reason).then(
      () => true,
      () => false,
    );
    this.isSending = false;
    // Temporal is away: nothing is lost, it waits.
    if (!sent) this.waiting ??= reason;
    this.go(sent ? 0 : againAfterMs * (0.5 + Math.random()));
  }
}
