import { warningSentence } from '../../domain/connect-sentences';
import type { Language } from '../../domain/languages';
import {
  expectedDuration,
  importPlans,
  type FolderLook,
  type ImportPlan,
  type ImportRate,
  type InsideLook,
  type MailboxLook,
} from '../../domain/preview';
import { previewWarnings, type PreviewWarning } from '../../domain/preview-warnings';
import type { Policy } from '../../domain/policy';
import { timeOrNull } from '../fields';
import type { PreviewBody } from './preview-schemas';

/** Names that a warning carries; the folders themselves are all in the answer. */
const namedFolders = 20;

interface Seen {
  look: MailboxLook;
  start: Policy['start'];
  rate: ImportRate;
  dailyDownloadBytes: number | null;
  maxFolders: number;
  language: Language;
}

/** A look at a mailbox as the API tells it. */
export function presentPreview(seen: Seen): Omit<PreviewBody, 'provider' | 'imap'> {
  const { look, start, rate, maxFolders, language } = seen;
  const plans = importPlans(look, start.from === 'date');
  const planned = (plan: ImportPlan | null) => (plan === null ? null : presentPlan(plan, seen));
  const nothing = { messages: 0, bytes: 0, estimated: false, seconds: 0, limitedBy: 'rate' as const };
  const everything = planned(plans.everything) ?? nothing;
  const startPoints = {
    now: planned(plans.now) ?? nothing,
    unread: planned(plans.unread) ?? nothing,
    everything,
    date: planned(plans.date),
  };
  const { messages, bytes, estimated } = everything;
  return {
    folders: look.folders.map(presentFolder),
    totals: {
      folders: look.folders.length,
      foldersInScope: look.folders.filter(({ scope }) => scope === 'fetch').length,
      ...{ messages, bytes, estimated },
    },
    import: { start: start.from, ...(startPoints[start.from] ?? nothing) },
    startPoints,
    rate: { messagesPerSecond: Math.round(rate.messagesPerSecond * 10) / 10, basis: rate.basis },
    quota: look.quota,
    warnings: previewWarnings(look, maxFolders).map((warning) => presentWarning(warning, language)),
  };
}

function presentPlan(plan: ImportPlan, { rate, dailyDownloadBytes }: Seen) {
  return {
    messages: plan.messages.value,
    bytes: plan.bytes.value,
    estimated: plan.messages.estimated || plan.bytes.estimated,
    ...expectedDuration(plan, rate, dailyDownloadBytes),
  };
}

function presentFolder({ path, role, scope, messages, inside }: FolderLook): PreviewBody['folders'][number] {
  return { path, role, scope, messages, ...(inside === null ? notLookedInto : presentInside(inside)) };
}

const notLookedInto = {
  shown: null,
  bytes: null,
  bytesEstimated: null,
  firstDate: null,
  lastDate: null,
  unread: null,
  sinceDate: null,
};

function presentInside({ shown, bytes, firstDate, lastDate, unread, sinceDate }: InsideLook) {
  return {
    shown,
    bytes: bytes.value,
    bytesEstimated: bytes.estimated,
    firstDate: timeOrNull(firstDate),
    lastDate: timeOrNull(lastDate),
    unread,
    sinceDate,
  };
}

function presentWarning({ code, folders }: PreviewWarning, language: Language): PreviewBody['warnings'][number] {
  return {
    code,
    sentence: warningSentence(code, language),
    folders: folders.slice(0, namedFolders),
    folderCount: folders.length,
  };
}
