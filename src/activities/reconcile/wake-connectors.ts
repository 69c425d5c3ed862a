import { connectorsWithWork } from '../../db/connectors/progress';
import { publicId } from '../../domain/ids';
import type { ActivityContext, ActivityRun } from '../context';
import { scrubbedError } from '../scrubbed-error';
import type { Pace } from './pace';

/**
 * Wakes connectors that have records to fetch or something to tell. One that cannot be woken is left to the next minute, and keeps no other
 * from it. Second run: a turn too many finds nothing to do.
 */
export async function wakeConnectors({ db, engine }: ActivityContext, run: ActivityRun, pace: Pace): Promise<void> {
  for (const connector of await connectorsWithWork(db)) {
    run.signal.throwIfAborted();
    await pace();
    try {
      await engine.wakeConnector(connector);
    } catch (error) {
      const ids = { connectorId: publicId('connector', connector.connectorId) };
      run.warn?.('connector not woken, next try in a minute', { ...ids, error: scrubbedError(error).message });
    }
    run.heartbeat();
  }
}
