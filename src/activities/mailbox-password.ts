import { SecretBoxError, type SealedSecret, type SecretBox } from '../db/secret-box';
import { MailFailure } from '../domain/failure';

/**
 * The password that a mailbox is opened with.
 * @throws MailFailure `refused`, `password-unreadable` where its key is not there, or another one: tried again, since the key may come back
 */
export function passwordOf(secretBox: SecretBox, mailbox: { secret: SealedSecret }): string {
  try {
    return secretBox.open(mailbox.secret);
  } catch (error) {
    if (!(error instanceof SecretBoxError)) throw error;
    throw new MailFailure('refused', 'connect', { code: 'password-unreadable', cause: error });
  }
}
