import type { ImportProgress } from '../../db/import-progress';
import type { Mailbox, ServerSettings } from '../../db/mailboxes';
import { publicId } from '../../domain/ids';
import type { Language } from '../../domain/languages';
import { progressOf } from '../../domain/progress';
import { codeSentence, remedyFor, removalsRemedy, stateSentence } from '../../domain/state-sentences';
import { workflowIds } from '../../workflows/contract';
import { timeOrNull } from '../fields';
import type { MailboxAnswer } from './schemas';

/** A mailbox for an answer; its secret is not even in what comes in. `progress` is null where nothing is imported. */
export function presentMailbox(mailbox: Mailbox, progress: ImportProgress | null, language: Language): MailboxAnswer {
  return {
    id: publicId('mailbox', mailbox.id),
    address: mailbox.address,
    displayName: mailbox.displayName,
    ...presentState(mailbox, language),
    flags: mailbox.flags,
    progress: progress === null ? null : presentProgress(progress),
    lastMessageAt: timeOrNull(mailbox.lastMessageAt),
    lastSuccessAt: timeOrNull(mailbox.lastSuccessAt),
    lastProvenAt: timeOrNull(mailbox.lastProvenAt),
    workflowId: workflowIds.mailboxSync(mailbox.id),
    provider: mailbox.provider,
    imap: presentServer(mailbox.imap),
    smtp: mailbox.smtp === null ? null : presentServer(mailbox.smtp),
    auth: { type: 'password', username: mailbox.username },
    policy: mailbox.policy,
    ownerUserId: mailbox.ownerUserId === null ? null : publicId('user', mailbox.ownerUserId),
    memberUserIds: mailbox.memberUserIds.map((id) => publicId('user', id)),
    createdAt: mailbox.createdAt.toISOString(),
    updatedAt: mailbox.updatedAt.toISOString(),
  };
}

function presentState(mailbox: Mailbox, language: Language) {
  const { state, stateReason: code, lastError } = mailbox;
  return {
    state,
    reason: stateSentence(state, code, language),
    reasonCode: code,
    since: mailbox.stateSince.toISOString(),
    until: timeOrNull(mailbox.stateUntil),
    remedy: remedyFor(state, code, language) ?? remedyOfFlags(mailbox, language),
    desiredState: mailbox.desired,
    deletionId: mailbox.deletionId === null ? null : publicId('deletion', mailbox.deletionId),
    lastError: lastError === null ? null : presentLastError(lastError, language),
  };
}

/** A mailbox that is well may yet wait for an answer. */
function remedyOfFlags({ flags }: Mailbox, language: Language): string | null {
  return flags.includes('confirm-removal') ? removalsRemedy(language) : null;
}

/** Postgres wrote its time as JSON, which is not how the API writes times. */
function presentLastError(error: NonNullable<Mailbox['lastError']>, language: Language) {
  return {
    ...error,
    sentence: codeSentence(error.code, language),
    at: new Date(error.at).toISOString(),
  };
}

function presentProgress(progress: ImportProgress): NonNullable<MailboxAnswer['progress']> {
  const { known, done, percent, rate, etaSeconds } = progressOf(progress);
  return {
    folders: progress.folders,
    folder: progress.folder,
    messagesKnown: known,
    messagesDone: done,
    percent,
    rate: rate === null ? null : Math.round(rate * 10) / 10,
    etaSeconds,
  };
}

function presentServer(server: ServerSettings): MailboxAnswer['imap'] {
  const { host, port, security } = server;
  return { host, port, security, allowInvalidCertificate: server.allowInvalidCertificate, ca: server.ca };
}
