import { MailFailure } from '../domain/failure';

/** The failure of one folder as that of a round in which all others have had their turn: nothing else of the mailbox needs to wait for it. */
export function aboutFolder({ kind, operation, code, cause }: MailFailure): MailFailure {
  return new MailFailure(kind, operation, { code, reach: 'folder', cause });
}
