import type { Client } from '@temporalio/client';
import type { Logger } from 'pino';

import { prepareEngine } from './prepare-engine';

/**
 * Prepares the cluster again every `everyMs`, until the answer is called: a Temporal whose database was thrown away has neither search
 * attributes nor schedules, and without them nobody would start the mailboxes again.
 */
export function keepPrepared(client: Client, { log, everyMs }: { log: Logger; everyMs: number }): () => void {
  let busy = false;
  const timer = setInterval(() => {
    if (busy) return;
    busy = true;
    prepareEngine(client)
      .catch(() => {
        log.warn({ event: 'temporal not prepared' }, 'Temporal could not be looked after, next try soon');
      })
      .finally(() => {
        busy = false;
      });
  }, everyMs);
  timer.unref();
  return () => {
    clearInterval(timer);
  };
}
