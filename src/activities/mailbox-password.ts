import { SecretBoxError, type SealedSecret, type SecretBox } from '../db/secret-box';
import { MailFailure } from '../domain/failure';

/**
 * The password that a mailbox is opened with.
 * @throws MailFailure `credentials`, `password-unreadable` where its key is not there, or another one: only a person can help
 */
export function passwordOf(secretBox: SecretBox, mailbox: { secret: SealedSecret }): string {
  try {
    return secretBox.open(mailbox.secret);
  } catch (error) {
    if (!(error instanceof SecretBoxError)) throw error;
    throw new MailFailure('credentials', 'connect', { code: 'password-unreadable', cause: error });
  }
}
