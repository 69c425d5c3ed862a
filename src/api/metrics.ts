import { collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

import { runningNumbers, type RunningNumbers } from '../db/numbers';
import type { Api, ApiContext } from './context';

/** /metrics for Prometheus: counts and durations. Labels hold names of our own only, never an id. */
export function metricsRoutes(api: Api, { db }: ApiContext): void {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, prefix: 'letterbook_' });
  measureRequests(api, registry);
  const show = runningGauges(registry);

  api.get(
    '/metrics',
    { config: { access: 'public' }, schema: { tags: ['running it'], summary: 'Metrics for Prometheus' } },
    async (_request, reply) => {
      show(await runningNumbers(db));
      return reply.type(registry.contentType).send(await registry.metrics());
    },
  );
}

function measureRequests(api: Api, registry: Registry): void {
  const durations = new Histogram({
    name: 'letterbook_http_request_duration_seconds',
    help: 'Requests by route pattern and status',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 30],
    registers: [registry],
  });
  api.addHook('onResponse', (request, reply, done) => {
    const route = request.routeOptions.url ?? 'none';
    durations.observe({ method: request.method, route, status: String(reply.statusCode) }, reply.elapsedTime / 1_000);
    done();
  });
}

function runningGauges(registry: Registry): (numbers: RunningNumbers) => void {
  const gauge = (name: string, help: string, labelNames: string[] = []) =>
    new Gauge({ name: `letterbook_${name}`, help, labelNames, registers: [registry] });
  const mailboxes = gauge('mailboxes', 'Mailboxes by state', ['state']);
  const parked = gauge('placements_parked', 'Messages that could not be ingested and wait for a replay');
  const undecided = gauge('placements_undecided', 'Messages whose bytes are stored but not decided');
  const undecidedAge = gauge('placements_undecided_oldest_seconds', 'Age of the oldest of them; over 300 is a fault');
  const heldBack = gauge('outbox_held_back', 'Events that wait for an older transaction to end');
  const heldBackAge = gauge('outbox_held_back_oldest_seconds', 'Age of the oldest of them');
  const search = gauge('search_pending', 'Messages that search does not find yet');
  const searchAge = gauge('search_pending_oldest_seconds', 'Age of the oldest of them');
  const missing = gauge('missing_messages', 'Messages that servers show and the last audits did not find here');
  const proofAge = gauge('proof_oldest_seconds', 'Time since the mailbox that waits longest was last proven complete');
  const unproven = gauge('mailboxes_unproven', 'Mailboxes that were not proven complete for over 26 hours');
  const reconcilerAge = gauge('reconciler_age_seconds', 'Time since it last wrote down a run; five minutes at most');
  const stuck = gauge('mailboxes_stuck', 'Mailboxes whose work waits while nothing moves');
  const idleQueues = gauge('queues_without_workers', 'Task queues that no worker asks for work');
  const started = gauge('reconciler_started_hour', 'Workflows that the reconciler started within the last hour');
  const ended = gauge('reconciler_ended_hour', 'Workflows that it ended within the last hour');
  return (numbers) => {
    mailboxes.reset();
    for (const { state, count } of numbers.mailboxesByState) mailboxes.set({ state }, count);
    parked.set(numbers.parked);
    undecided.set(numbers.undecided.count);
    undecidedAge.set(numbers.undecided.oldestSeconds);
    heldBack.set(numbers.outboxHeldBack.count);
    heldBackAge.set(numbers.outboxHeldBack.oldestSeconds);
    search.set(numbers.searchPending.count);
    searchAge.set(numbers.searchPending.oldestSeconds);
    missing.set(numbers.completeness.missing);
    proofAge.set(numbers.completeness.oldestProofSeconds);
    unproven.set(numbers.completeness.unproven);
    reconcilerAge.set(numbers.reconciler.ageSeconds);
    stuck.set(numbers.reconciler.stuck);
    idleQueues.set(numbers.reconciler.idleQueues);
    started.set(numbers.reconciler.started);
    ended.set(numbers.reconciler.ended);
  };
}
