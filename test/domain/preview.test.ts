import {
  benchmarkRate,
  expectedDuration,
  importPlans,
  type FolderLook,
  type ImportPlan,
  type InsideLook,
  type MailboxLook,
} from '../../src/domain/preview';
import { previewWarnings } from '../../src/domain/preview-warnings';

const inside = (change: Partial<InsideLook> = {}): InsideLook => ({
  shown: 10,
  capped: false,
  bytes: { value: 1_000, estimated: false },
  firstDate: null,
  lastDate: null,
  unread: 2,
  sinceDate: null,
  ...change,
});

const folder = (path: string, change: Partial<FolderLook> = {}): FolderLook => ({
  path,
  role: null,
  scope: 'fetch',
  messages: 10,
  inside: inside(),
  ...change,
});

const inbox = (change: Partial<FolderLook> = {}) => folder('INBOX', { role: 'inbox', ...change });
const sent = (change: Partial<FolderLook> = {}) => folder('Sent', { role: 'sent', ...change });

const look = (folders: FolderLook[], change: Partial<MailboxLook> = {}): MailboxLook => ({
  folders,
  quota: null,
  gmail: false,
  messageLimit: false,
  ...change,
});

const plan = (messages: number, bytes: number): ImportPlan => ({
  messages: { value: messages, estimated: false },
  bytes: { value: bytes, estimated: false },
});

describe('what would be imported', () => {
  test('nothing from now on, all of what is in scope, a share of the bytes for unread mail', () => {
    const plans = importPlans(look([inbox(), sent(), folder('Junk', { role: 'junk', scope: 'ledger-only' })]), false);
    expect(plans).toEqual({
      now: plan(0, 0),
      date: null,
      unread: { messages: { value: 4, estimated: false }, bytes: { value: 400, estimated: true } },
      everything: plan(20, 2_000),
    });
  });

  test('since a date', () => {
    const plans = importPlans(look([inbox({ inside: inside({ sinceDate: 10 }) })]), true);
    expect(plans.date).toEqual(plan(10, 1_000));
  });

  test('of a folder that was not looked into all that it counts, as an estimate', () => {
    const plans = importPlans(look([inbox(), folder('Big', { messages: 500, inside: null })]), false);
    expect(plans.everything).toEqual({
      messages: { value: 510, estimated: true },
      bytes: { value: 1_000, estimated: true },
    });
    expect(plans.unread?.messages).toEqual({ value: 502, estimated: true });
  });

  test('what the server does not show cannot be fetched', () => {
    const capped = inbox({ messages: 83_640, inside: inside({ shown: 10_000, capped: true }) });
    expect(importPlans(look([capped]), false).everything?.messages.value).toBe(10_000);
  });
});

describe('how long it may take', () => {
  test('by messages, or by bytes where they are heavy', () => {
    expect(expectedDuration(plan(4_000, 0), benchmarkRate, null)).toEqual({ seconds: 10, limitedBy: 'rate' });
    expect(expectedDuration(plan(1, 180_000_000), benchmarkRate, null)).toEqual({ seconds: 10, limitedBy: 'rate' });
    expect(expectedDuration(plan(0, 0), benchmarkRate, null).seconds).toBe(0);
  });

  test('by the own rate, which knows messages alone', () => {
    const own = { messagesPerSecond: 50, bytesPerSecond: null, basis: 'own-imports' as const };
    expect(expectedDuration(plan(1_001, 999_999_999), own, null).seconds).toBe(21);
  });

  test('by what the provider lets through in a day: 10 GB of Gmail wait for three more days', () => {
    const gmail = 2_500_000_000;
    expect(expectedDuration(plan(50_000, 4 * gmail), benchmarkRate, gmail)).toEqual({
      seconds: 3 * 86_400,
      limitedBy: 'daily-download',
    });
    expect(expectedDuration(plan(50_000, gmail), benchmarkRate, gmail).limitedBy).toBe('rate');
  });
});

describe('what looks wrong', () => {
  const codes = (seen: MailboxLook, maxFolders = 100) => previewWarnings(seen, maxFolders).map(({ code }) => code);
  const ignored = { scope: 'ignore' } as const;

  test('nothing, with INBOX and Sent in scope', () => {
    expect(codes(look([inbox(), sent()]))).toEqual([]);
  });

  test('no folder for sent mail, or one that is out of scope', () => {
    expect(codes(look([inbox()]))).toEqual(['no-sent-folder']);
    expect(previewWarnings(look([inbox(), sent(ignored)]), 100)).toEqual([
      { code: 'sent-out-of-scope', folders: ['Sent'] },
    ]);
  });

  test('INBOX out of scope, and nothing in scope at all', () => {
    expect(codes(look([inbox(ignored), sent()]))).toEqual(['inbox-out-of-scope']);
    expect(codes(look([inbox(ignored), sent(ignored)]))).toEqual(['nothing-in-scope']);
  });

  test('a listing that is capped, and a server that may cap', () => {
    const capped = inbox({ messages: 83_640, inside: inside({ shown: 10_000, capped: true }) });
    const full = folder('2019', { messages: 10_000, inside: inside({ shown: 10_000 }) });
    expect(previewWarnings(look([capped, sent(), full], { messageLimit: true }), 100)).toEqual([
      { code: 'capped-listing', folders: ['INBOX'] },
      { code: 'message-limit', folders: ['2019'] },
    ]);
  });

  test('Gmail with All Mail hidden, and with labels that overlap', () => {
    const all = folder('[Gmail]/All Mail', { role: 'all' });
    expect(codes(look([inbox(), sent()], { gmail: true }))).toEqual(['all-mail-hidden']);
    expect(codes(look([inbox(), sent(), all], { gmail: true }))).toEqual(['labels-overlap']);
    expect(codes(look([inbox(ignored), sent(ignored), all], { gmail: true }))).toEqual([]);
  });

  test.each([
    [949, []],
    [950, ['quota-nearly-full']],
    [1_000, ['quota-nearly-full']],
  ])('a quota with %i of 1,000 bytes used', (usedBytes, expected) => {
    expect(codes(look([inbox(), sent()], { quota: { usedBytes, limitBytes: 1_000 } }))).toEqual(expected);
  });

  test('more folders than are allowed', () => {
    expect(codes(look([inbox(), sent()]), 2)).toEqual([]);
    expect(codes(look([inbox(), sent(), folder('Other')]), 2)).toEqual(['too-many-folders']);
  });

  test('folders that were not counted, or not looked into; not those out of scope', () => {
    const mute = folder('Mute', { messages: null, inside: null });
    const late = folder('Late', { inside: null });
    const other = folder('Other', { inside: null, ...ignored });
    expect(previewWarnings(look([inbox(), sent(), mute, late, other]), 100)).toEqual([
      { code: 'count-unknown', folders: ['Mute'] },
      { code: 'not-all-looked-into', folders: ['Late'] },
    ]);
  });
});
