import { publicId } from '../../domain/ids';
import type { ApiContext } from '../context';
import { EngineUnavailable } from '../temporal-gateway';

/** Tells the engine what is in the database already. Where it cannot be reached, the reconciler does it later: nothing is lost. */
export async function tellEngine({ log }: ApiContext, mailboxId: string, tell: () => Promise<void>): Promise<void> {
  try {
    await tell();
  } catch (error) {
    if (!(error instanceof EngineUnavailable)) throw error;
    log.warn({ mailboxId: publicId('mailbox', mailboxId) }, 'engine not told, left to the reconciler');
  }
}
