import { connectorsWithWork } from '../../db/connectors/progress';
import { publicId } from '../../domain/ids';
import type { ActivityContext } from '../context';
import { endIfFailing } from './failing-run';
import { inTurn, type Turns } from './in-turn';
import { foundFailing, type Tallies } from './tally';

/**
 * Wakes connectors that have records to fetch or something to tell, and begins anew those whose workflow task keeps failing. One that cannot
 * be woken is left to the next minute, and keeps no other from it. Second run: a turn too many finds nothing to do.
 */
export async function wakeConnectors(context: ActivityContext, turns: Turns, tallies: Tallies): Promise<void> {
  const { db, engine } = context;
  for (const connector of await connectorsWithWork(db)) {
    const { tenantId, connectorId } = connector;
    const ids = { connectorId: publicId('connector', connectorId) };
    await inTurn(turns, { what: 'connector not woken', ids }, async () => {
      const standing = await endIfFailing(context, { kind: 'connector', id: connectorId });
      if (standing === 'ended') foundFailing(tallies, tenantId, { connectorId });
      await engine.wakeConnector(connector);
    });
  }
}
