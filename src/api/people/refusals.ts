import { publicId } from '../../domain/ids';
import type { OwnHolders } from '../../db/people/begin-erasure';
import { Problem } from '../problem';
import { conflict, forbidden, invalidRequest } from '../problems';
import type { Viewer } from '../viewer';

/** @throws Problem 403 for whoever is neither the tenant nor one of its admins */
export function requireAdmin(viewer: Viewer): void {
  if (viewer.userId !== null && viewer.role !== 'admin') {
    throw forbidden('Only an admin can erase or export a person.');
  }
}

/** 409: an address is that of one of the tenant's own people or mailboxes. */
export function ownAddress({ userIds, mailboxIds }: OwnHolders): Problem {
  const owners = [...userIds.map((id) => publicId('user', id)), ...mailboxIds.map((id) => publicId('mailbox', id))];
  return conflict(
    'own-address',
    `An address belongs to ${owners.join(', ')}. Delete the user or the mailbox first: all mail of it has this address as sender or recipient.`,
  );
}

/** 400: nothing is erased without being confirmed. */
export function erasureNotConfirmed(): Problem {
  return new Problem({
    status: 400,
    slug: 'confirmation-needed',
    title: 'An erasure must be confirmed',
    detail:
      'Nothing was erased. Repeat the call with `confirm`: the same addresses once more. `dryRun: true` counts first what would be erased.',
  });
}

/** 422: other addresses were confirmed than those to be erased. */
export function otherConfirmed(): Problem {
  return new Problem({
    status: 422,
    slug: 'confirmation-mismatch',
    title: 'Other addresses were confirmed',
    detail: 'Nothing was erased. `confirm` must list the very addresses of `addresses`.',
  });
}

/** 400: a look and an erasure in one call. */
export function dryRunConfirmed(): Problem {
  return invalidRequest([
    {
      in: 'body',
      field: 'dryRun',
      reason: 'is true, and the erasure is confirmed too.',
      remedy: 'Leave out `confirm` to count only, or `dryRun` to erase.',
    },
  ]);
}
