import type { MailFailure } from '../../../src/domain/failure';
import type { MailboxAccess } from '../../../src/mail/mailbox';
import type { MailboxWatch, WatchLimits, WatchOptions } from '../../../src/mail/watch/mailbox-watch';
import { openWatch } from '../../../src/mail/watch/open-watch';

const limits: WatchLimits = {
  connectTimeoutMs: 10_000,
  socketTimeoutMs: 10_000,
  idleRenewMs: 240_000,
  maxBytesPerMinute: 8_388_608,
};

/** A watch with what it has told. */
export interface Watching {
  watch: MailboxWatch;
  /** How often there was news. */
  news: number;
  losses: MailFailure[];
}

export type WatchWish = Partial<Omit<WatchOptions, 'limits' | 'folder'>> & {
  folder?: string;
  limits?: Partial<WatchLimits>;
};

export async function watching(access: MailboxAccess, wish: WatchWish = {}): Promise<Watching> {
  const told = { news: 0, losses: [] as MailFailure[] };
  const watch = await openWatch(access, {
    hostRules: { allowedNetworks: ['127.0.0.0/8'] },
    onNews: () => {
      told.news += 1;
    },
    onLost: (failure) => {
      told.losses.push(failure);
    },
    ...wish,
    folder: () => Promise.resolve(wish.folder ?? 'INBOX'),
    limits: { ...limits, ...wish.limits },
  });
  return Object.assign(told, { watch });
}

/** Waits for a condition; a test that never meets it ends by jest's own limit. */
export async function until(met: () => boolean): Promise<void> {
  while (!met()) await soon(5);
}

export const soon = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
