import type { Session } from '../session';

/**
 * NOOP (RFC 9051 6.1.2): shows that the other side is there, and brings what it has to tell. imapflow says nothing where it fails.
 * @throws MailFailure
 */
export async function askForSignOfLife(session: Session): Promise<void> {
  await session.run('NOOP', async () => {
    await session.client.noop();
    if (!session.client.usable) throw Object.assign(new Error('The connection ended'), { code: 'NoConnection' });
  });
}
