import type { Mailbox } from '../../db/mailboxes';
import { publicId } from '../../domain/ids';
import { Problem } from '../problem';
import { invalidRequest } from '../problems';

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

/** 400: nothing is deleted without being confirmed. */
export function confirmationNeeded(): Problem {
  return new Problem({
    status: 400,
    slug: 'confirmation-needed',
    title: 'A deletion must be confirmed',
    detail:
      'Nothing was deleted. Repeat the call with ?confirm= and the address of the mailbox, or with the header Letterbook-Confirm. ?dryRun=true counts first what would be deleted.',
  });
}

/** 422: another address was confirmed than that of the mailbox. */
export function confirmationMismatch(): Problem {
  return new Problem({
    status: 422,
    slug: 'confirmation-mismatch',
    title: 'Another address was confirmed',
    detail: 'Nothing was deleted. What is confirmed must be the address of this very mailbox, as GET shows it.',
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
