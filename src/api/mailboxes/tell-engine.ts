import { publicId } from '../../domain/ids';
import type { ApiContext } from '../context';
import { EngineUnavailable } from '../temporal-gateway';
import { within } from '../within';

/** As long as an engine that is well takes. Who wishes something does not wait for another: the wish is in the database. */
const answerMs = 150;

/**
 * Tells the engine what is in the database already. Where it cannot be reached, the reconciler does it later: nothing is lost. An engine
 * that takes its time is not waited for.
 */
export async function tellEngine({ log }: ApiContext, mailboxId: string, tell: () => Promise<void>): Promise<void> {
  const told = tell().catch((error: unknown) => {
    if (!(error instanceof EngineUnavailable)) throw error;
    log.warn({ mailboxId: publicId('mailbox', mailboxId) }, 'engine not told, left to the reconciler');
  });
  await within(told, answerMs);
}
