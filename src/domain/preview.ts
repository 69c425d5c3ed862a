import type { ConnectCode } from './failure';
import type { FolderRole } from './folder';
import type { FolderScope, Policy } from './policy';

/** What of a policy decides what would be imported. */
export type PreviewPolicy = Pick<Policy, 'folders' | 'start'>;

/** A number that was counted, or one that was worked out from a sample. */
export interface Amount {
  value: number;
  estimated: boolean;
}

/** A folder as a look at it found it. Only the first is known of one that was not looked into. */
export interface FolderLook {
  path: string;
  role: FolderRole | null;
  scope: FolderScope;
  /** As STATUS says; null where the server does not. */
  messages: number | null;
  /** Null where it was not looked into: the time or the number of folders was up, or the server refused. */
  inside: InsideLook | null;
}

export interface InsideLook {
  /** Messages that the server shows when they are listed, which may be fewer than it counts. */
  shown: number;
  /** It counts more than it shows, and says so when asked again. */
  capped: boolean;
  bytes: Amount;
  /** Dates of arrival of the oldest and newest message among the first, the last and the sample between them; null in an empty folder. */
  firstDate: Date | null;
  lastDate: Date | null;
  /** Null in a folder that is out of scope. */
  unread: number | null;
  /** Messages that arrived at or after the policy's date; null without one, and in a folder that is out of scope. */
  sinceDate: number | null;
}

/** What a mailbox looks like before it is connected. */
export interface MailboxLook {
  /** Folders that can hold messages. */
  folders: FolderLook[];
  /** Storage of the account (RFC 9208); null where the server does not say. */
  quota: { usedBytes: number; limitBytes: number } | null;
  gmail: boolean;
  /** RFC 9738, Yahoo: what is listed may be a part. */
  messageLimit: boolean;
}

/** The look, or why there is none, in the codes of a connection. `detail` is for an operator. */
export type PreviewAnswer =
  { ok: true; provider: string | null; look: MailboxLook } | { ok: false; code: ConnectCode; detail: string };

/** What would be imported from one start point. */
export interface ImportPlan {
  messages: Amount;
  bytes: Amount;
}

export type StartName = 'now' | 'date' | 'unread' | 'everything';

/** What an import from each start point would fetch, over the folders in scope. `date` is null where the policy names none. */
export function importPlans(look: MailboxLook, hasDate: boolean): Record<StartName, ImportPlan | null> {
  const inScope = look.folders.filter(({ scope }) => scope === 'fetch');
  const nothing = { value: 0, estimated: false };
  return {
    now: { messages: nothing, bytes: nothing },
    date: hasDate ? planOf(inScope, ({ sinceDate }) => sinceDate) : null,
    unread: planOf(inScope, ({ unread }) => unread),
    everything: planOf(inScope, ({ shown }) => shown),
  };
}

function planOf(folders: readonly FolderLook[], count: (inside: InsideLook) => number | null): ImportPlan {
  const plan = { messages: { value: 0, estimated: false }, bytes: { value: 0, estimated: false } };
  for (const { inside, messages } of folders) {
    const counted = inside === null ? null : count(inside);
    if (inside === null || counted === null) {
      // Not looked into: at most all of it, and of what size nobody knows.
      plan.messages = { value: plan.messages.value + (messages ?? 0), estimated: true };
      plan.bytes.estimated = true;
      continue;
    }
    const part = inside.shown === 0 ? 0 : Math.min(1, counted / inside.shown);
    plan.messages.value += counted;
    plan.bytes.value += Math.round(inside.bytes.value * part);
    plan.bytes.estimated ||= inside.bytes.estimated || (part > 0 && part < 1);
  }
  return plan;
}

/** How fast mail is imported: as this tenant's own imports of late were, or as the benchmark was. */
export interface ImportRate {
  messagesPerSecond: number;
  /** Null where only messages were counted. */
  bytesPerSecond: number | null;
  basis: 'own-imports' | 'benchmark';
}

/** docs/benchmarks.md: 10,000 messages of 454 MB in 24.9 s, from a server on the same two cores. One across the internet is slower. */
export const benchmarkRate: ImportRate = {
  messagesPerSecond: 400,
  bytesPerSecond: 18_000_000,
  basis: 'benchmark',
};

export interface Expectation {
  seconds: number;
  /** What the time is for: our own rate, or what the provider lets through in a day. */
  limitedBy: 'rate' | 'daily-download';
}

const secondsOfADay = 86_400;

/** How long an import may take. `dailyDownloadBytes` is what the provider lets an account fetch in a day; null where it names no limit. */
export function expectedDuration(plan: ImportPlan, rate: ImportRate, dailyDownloadBytes: number | null): Expectation {
  const byRate = Math.max(
    plan.messages.value / rate.messagesPerSecond,
    rate.bytesPerSecond === null ? 0 : plan.bytes.value / rate.bytesPerSecond,
  );
  // A day's worth may be fetched at once; what is more waits for the next day.
  const days = dailyDownloadBytes === null ? 0 : Math.max(0, plan.bytes.value / dailyDownloadBytes - 1);
  const byProvider = days * secondsOfADay;
  return byProvider > byRate
    ? { seconds: Math.ceil(byProvider), limitedBy: 'daily-download' }
    : { seconds: Math.ceil(byRate), limitedBy: 'rate' };
}
