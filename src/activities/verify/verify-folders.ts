import { setTimeout as sleep } from 'node:timers/promises';

import {
  foldersOnRecord,
  type FolderGeneration,
  type FolderOnRecord,
  type KnownFolder,
} from '../../db/ingest/folder-read';
import type { FolderAudit } from '../../db/ingest/audit-write';
import { shownFolders } from '../../db/ingest/folder-write';
import type { MailboxForSync } from '../../db/sync/mailbox-for-sync';
import { liveCounts, mostTold } from '../../db/verify/ledger-checks';
import type { FolderStatus, ListedFolder } from '../../domain/folder';
import { disagreement } from '../../domain/folder-changes';
import { scopeOf } from '../../domain/policy';
import type { Invariant, VerifiedFolder, Violation } from '../../domain/verify';
import type { Mailbox } from '../../mail/mailbox';
import { compareFolder } from '../compare-folder';
import { routeBudget } from '../list-folder';
import { mustLook } from '../sync-folder';
import type { VerifyContext, VerifyOptions } from './context';

interface Folders {
  mailbox: MailboxForSync;
  open: Mailbox;
  options: VerifyOptions;
}

/** What a look at a folder has shown. */
interface Looked {
  folder: KnownFolder;
  audit: FolderAudit;
  differences: Differences;
}

/** UIDs, ascending, by what is wrong with them. */
interface Differences {
  missing: number[];
  extra: number[];
  ended: number[];
  undelivered: number[];
  cursorAhead: boolean;
  /** No round has listed it. */
  unlisted: boolean;
  /** The import is still to fetch some of them, which is no difference. */
  importing: boolean;
  /** Nobody will look at the folder before there is news of it: what is different stays so. */
  isSettled: boolean;
}

interface Look {
  folders: Map<string, Looked>;
  /** Folders that only one side has, by path or id. */
  unknown: Set<string>;
  gone: Set<string>;
}

/** What was found, and the folders as they are on record that could be looked at. */
export interface FoldersVerified {
  folders: VerifiedFolder[];
  violations: Violation[];
  known: KnownFolder[];
}

/** Who the messages are is asked of the newest: the sample of bytes tells more. */
const share = { allUpTo: 0, beyond: 'newest' } as const;
/** For all folders of a mailbox, where one shows a part of itself. */
const otherRouteCommands = 400;
const pauseMs = 2_000;
const roundMs = 60_000;
const longestWaitMs = 600_000;

/**
 * Compares all folders in scope with the server, UID by UID, as an audit does, and writes nothing. What differs is looked for again on a
 * connection that was logged in anew, for as long as a round may still need to see it.
 * @throws MailFailure
 */
export async function verifyFolders(context: VerifyContext, of: Folders): Promise<FoldersVerified> {
  const { secondLookMs, signal } = of.options;
  const waitMs = of.options.waitMs ?? Math.min(longestWaitMs, of.mailbox.policy.refreshSeconds * 1_000 + roundMs);
  const endsAt = performance.now() + waitMs;
  const first = await lookAt(context, of, null);
  let found = first;
  for (let looks = 1; isAnythingIn(found); looks += 1) {
    if (looks > 1 && (performance.now() >= endsAt || isAllSettled(found))) break;
    await sleep(looks === 1 ? secondLookMs : Math.min(pauseMs, Math.max(1, waitMs)), undefined, { signal });
    await of.open.reopen();
    const doubtful = new Set([...found.folders].flatMap(([id, { differences }]) => (differs(differences) ? [id] : [])));
    found = inBoth(found, await lookAt(context, of, doubtful));
  }
  const looked = [...new Map([...first.folders, ...found.folders]).values()].map((one) => ({
    ...one,
    differences: found.folders.get(one.folder.folderId)?.differences ?? one.differences,
  }));
  const counts = await liveCounts(context.db, of.mailbox);
  return {
    known: looked.flatMap(({ folder, audit }) => (audit.seen === 'nothing' ? [] : [folder])),
    folders: looked.map((one) => reportOf(one, counts.get(one.folder.folderId) ?? {})),
    violations: [...looked.flatMap(violationsOf), ...ofFolders(found)],
  };
}

/** One look at all folders in scope, or at those of these ids. The cursors are read first: what they say was so before the server is asked. */
async function lookAt(context: VerifyContext, of: Folders, only: Set<string> | null): Promise<Look> {
  const { mailbox, open } = of;
  const onRecord = await context.db.inTenant(mailbox.tenantId, (sql) => foldersOnRecord(sql, mailbox));
  const listed = await open.listFolders();
  const statusOf = new Map(listed.map((folder) => [folder.path, folder.status]));
  const budget = routeBudget(otherRouteCommands);
  const look: Look = { folders: new Map(), ...oneSided(onRecord, listed, mailbox) };
  for (const { scope, ...folder } of shownFolders(onRecord, listed, mailbox.policy)) {
    of.options.signal.throwIfAborted();
    if (scope === 'ignore' || only?.has(folder.folderId) === false) continue;
    const status = statusOf.get(folder.path) ?? null;
    const known = { ...folder, scope };
    const audit = await compareFolder(context, { mailbox, open, folder: known, status, share, budget });
    look.folders.set(folder.folderId, { folder: known, audit, differences: differencesOf(known, audit, status) });
  }
  return look;
}

/** Whether a folder has messages in scope on one side alone. A name that stands for another folder is one of each. */
function oneSided(onRecord: FolderOnRecord[], listed: ListedFolder[], { policy }: MailboxForSync) {
  const { lost, replaced, appeared } = disagreement(onRecord, listed);
  const inScope = appeared.filter((folder) => scopeOf(folder, policy.folders) !== 'ignore');
  return {
    unknown: new Set(inScope.map(({ path }) => path)),
    gone: new Set([...lost, ...replaced].map(({ folderId }) => folderId)),
  };
}

function differencesOf(folder: KnownFolder, audit: FolderAudit, status: FolderStatus | null): Differences {
  const { generation } = folder;
  const { missing, extra, ended, undelivered } = audit;
  const isImports = (uid: number) => generation?.historyDone === false && uid < generation.historyBelow;
  return {
    missing: missing.filter((uid) => !isImports(uid)),
    extra,
    ended,
    undelivered,
    cursorAhead: generation !== null && status !== null && isAhead(generation, status),
    unlisted: audit.reason === 'never-listed',
    importing: missing.some(isImports),
    isSettled: !mustLook(status, generation, { at: new Date(), flags: 'ignore' }),
  };
}

/** UIDNEXT and HIGHESTMODSEQ of a generation only rise (RFC 9051 2.3.1.1, RFC 7162 3.1.1), and the cursor is older than the status. */
function isAhead({ uidValidity, uidNext, modseq }: FolderGeneration, status: FolderStatus): boolean {
  if (status.uidValidity !== uidValidity) return false;
  if (uidNext !== null && uidNext > status.uidNext) return true;
  return modseq !== null && status.highestModseq !== null && BigInt(modseq) > BigInt(status.highestModseq);
}

function differs({ missing, extra, ended, undelivered, cursorAhead, unlisted }: Differences): boolean {
  return missing.length + extra.length + ended.length + undelivered.length > 0 || cursorAhead || unlisted;
}

function isAnythingIn({ folders, unknown, gone }: Look): boolean {
  return unknown.size + gone.size > 0 || [...folders.values()].some(({ differences }) => differs(differences));
}

function isAllSettled({ folders, unknown, gone }: Look): boolean {
  const doubtful = [...folders.values()].filter(({ differences }) => differs(differences));
  return unknown.size + gone.size === 0 && doubtful.every(isSettled);
}

/** What the cursor has passed is not looked for by itself; nor is anything where the cursor is what the server says. */
function isSettled({ folder: { generation }, differences }: Looked): boolean {
  const { missing, extra, ended, unlisted } = differences;
  if (differences.isSettled) return !unlisted;
  return extra.length + ended.length === 0 && !unlisted && missing.every((uid) => uid < (generation?.uidNext ?? 0));
}

function inBoth(first: Look, second: Look): Look {
  return {
    folders: new Map(
      [...second.folders].map(([id, one]) => {
        const before = first.folders.get(id)?.differences ?? one.differences;
        return [id, { ...one, differences: stillDifferent(before, one.differences) }];
      }),
    ),
    unknown: new Set([...second.unknown].filter((path) => first.unknown.has(path))),
    gone: new Set([...second.gone].filter((id) => first.gone.has(id))),
  };
}

function stillDifferent(before: Differences, now: Differences): Differences {
  const both = (kind: 'missing' | 'extra' | 'ended' | 'undelivered') => {
    const known = new Set(before[kind]);
    return now[kind].filter((uid) => known.has(uid));
  };
  return {
    ...now,
    missing: both('missing'),
    extra: both('extra'),
    ended: both('ended'),
    undelivered: both('undelivered'),
    cursorAhead: before.cursorAhead && now.cursorAhead,
    unlisted: before.unlisted && now.unlisted,
  };
}

function reportOf({ folder, audit, differences }: Looked, ledger: VerifiedFolder['ledger']): VerifiedFolder {
  const { missing, extra, ended, undelivered, importing } = differences;
  const base = { folderId: folder.folderId, server: { messages: audit.serverCount }, ledger, reason: null };
  if (audit.verdict === 'not-provable') return { ...base, verdict: 'not-provable', reason: audit.reason };
  if (missing.length + extra.length + ended.length + undelivered.length > 0) return { ...base, verdict: 'missing' };
  return { ...base, verdict: importing ? 'import-running' : 'complete' };
}

function violationsOf({ folder: { folderId }, differences }: Looked): Violation[] {
  const { missing, extra, ended, undelivered, cursorAhead, unlisted } = differences;
  const of = (invariant: Invariant, uids: number[]): Violation[] => {
    const told = uids.slice(0, mostTold).map((uid) => ({ invariant, folderId, uid }));
    const more = uids.length - told.length;
    return more === 0 ? told : [...told, { invariant, folderId, about: `and ${String(more)} more` }];
  };
  return [
    ...of('missing', missing),
    ...of('extra', extra),
    ...of('ended-but-alive', ended),
    ...of('undelivered', undelivered),
    ...(cursorAhead ? [{ invariant: 'cursor-ahead' as const, folderId }] : []),
    ...(unlisted ? [{ invariant: 'folder-unknown' as const, folderId }] : []),
  ];
}

/** A folder that is on no record has no id, and its name is content. */
function ofFolders({ unknown, gone }: Look): Violation[] {
  const found: Violation[] = [...gone].map((folderId) => ({ invariant: 'folder-gone', folderId }));
  if (unknown.size > 0) found.push({ invariant: 'folder-unknown', about: `${String(unknown.size)} of them` });
  return found;
}
