import { z } from 'zod';

import type { Api, ApiContext } from './context';
import { notReady } from './problems';
import { within } from './within';

const checkTimeoutMs = 3_000;
const tags = ['running it'];

/** /healthz and /readyz: open to whoever watches the process. */
export function healthRoutes(api: Api, context: ApiContext): void {
  api.get(
    '/healthz',
    {
      config: { access: 'public' },
      schema: { tags, summary: 'The process answers', response: { 200: z.object({ status: z.literal('ok') }) } },
    },
    () => ({ status: 'ok' as const }),
  );

  api.get(
    '/readyz',
    {
      config: { access: 'public' },
      schema: {
        tags,
        summary: 'Database, Temporal and a polling worker are there, and what was erased is not back after a restore',
        response: { 200: z.object({ status: z.literal('ready') }) },
      },
    },
    async () => {
      const missing = await missingParts(context);
      if (missing.length > 0) throw notReady(missing);
      return { status: 'ready' as const };
    },
  );
}

async function missingParts({ db, temporal, erasures }: ApiContext): Promise<string[]> {
  const answers = (check: Promise<unknown>) =>
    check.then(
      () => true,
      () => false,
    );
  const [database, engine, pending] = await Promise.all([
    within(answers(db.ping()), checkTimeoutMs),
    within(temporal.health(), checkTimeoutMs),
    within(erasures.pending(), checkTimeoutMs),
  ]);
  const health = engine.kind === 'answered' ? engine.answer : { reachable: false, polled: false };
  return [
    ...(database.kind === 'answered' && database.answer ? [] : ['database']),
    ...(health.reachable ? [] : ['temporal']),
    ...(health.polled ? [] : ['worker']),
    ...(pending.kind === 'answered' && pending.answer === 0 ? [] : ['erasures']),
  ];
}
