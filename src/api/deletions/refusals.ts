import type { Mailbox } from '../../db/mailboxes';
import { publicId } from '../../domain/ids';
import { Problem } from '../problem';
import { conflict, invalidRequest } from '../problems';

/** 409: the mailbox is on its way out; only its deletion can be asked about, or taken back before it begins. */
export function mailboxDeleting(deletionId: string): Problem {
  return new Problem(
    {
      status: 409,
      slug: 'mailbox-deleting',
      title: 'This mailbox is being deleted',
      detail: `GET /v1/deletions/${deletionId} says how far it is. Until it begins, DELETE /v1/deletions/${deletionId} takes it back; when it is done the address is free again.`,
    },
    { deletionId },
  );
}

/** @throws Problem 409 where the mailbox is being deleted: no wish can reach it any more */
export function refuseWhileDeleting({ deletionId }: Pick<Mailbox, 'deletionId'>): void {
  if (deletionId !== null) throw mailboxDeleting(publicId('deletion', deletionId));
}

/** 400: nothing is deleted without being confirmed; `what` confirms it. */
export function confirmationNeeded(what: string): Problem {
  return new Problem({
    status: 400,
    slug: 'confirmation-needed',
    title: 'A deletion must be confirmed',
    detail: `Nothing was deleted. Repeat the call with ?confirm= and ${what}, or with the header Letterbook-Confirm. ?dryRun=true counts first what would be deleted.`,
  });
}

/** 422: something else was confirmed than `what`. */
export function confirmationMismatch(what: string): Problem {
  return new Problem({
    status: 422,
    slug: 'confirmation-mismatch',
    title: 'Something else was confirmed',
    detail: `Nothing was deleted. What is confirmed must be ${what}, as GET shows it.`,
  });
}

/** 400: a look and a deletion in one call. */
export function dryRunConfirmed(): Problem {
  return invalidRequest([
    {
      in: 'query',
      field: 'dryRun',
      reason: 'is true, and the deletion is confirmed too.',
      remedy: 'Leave out `confirm` to count only, or `dryRun` to delete.',
    },
  ]);
}

/** 409: what has begun cannot be taken back. */
export function deletionBegun(): Problem {
  return new Problem({
    status: 409,
    slug: 'deletion-begun',
    title: 'The deletion has begun',
    detail:
      'A deletion can be taken back only until it begins; the policy `deletionUndoSeconds` says how long that is.',
  });
}

/** 409: a tenant must keep somebody who can manage its users. */
export function lastAdmin(): Problem {
  return conflict(
    'last-admin',
    'This user is the last admin, and without one nobody could manage the users. Make another user an admin first.',
  );
}

/** 409: who deletes themselves would not hear of the end. */
export function ownUser(): Problem {
  return conflict(
    'own-user',
    'The key in use belongs to this very user, and would end with them. Let another admin do it, or a key of the tenant.',
  );
}

/** 409: mailboxes are a user's, and nothing was said of them. */
export function ownsMailboxes(mailboxIds: string[]): Problem {
  const named = mailboxIds.map((id) => publicId('mailbox', id)).join(', ');
  return conflict(
    'user-owns-mailboxes',
    `Mailboxes are theirs: ${named}. Give them another owner first, or say what becomes of them: ?reassignTo=usr_... or ?mailboxes=delete, with ?confirm=.`,
  );
}

/** 400: what a user owned cannot be given to this one. */
export function noSuchHeir(): Problem {
  return invalidRequest([
    {
      in: 'query',
      field: 'reassignTo',
      reason: 'names nobody who could be given anything.',
      remedy: 'Give the id of another user, who is not being deleted.',
    },
  ]);
}
