import type { Engine, JobRef, OpenRun, OpenWork } from '../../src/activities/context';

/** A Temporal as the test wants it, and what it was asked. */
export interface PlayedEngine extends Engine {
  running: Map<string, string>;
  imports: Set<string>;
  open: Map<string, OpenWork[]>;
  /** By kind and id: `stop/<uuid>`. */
  runs: Map<string, OpenRun>;
  idleQueues: string[];
  /** What was asked, and of what: a UUID, or the id of a workflow. */
  asked: { what: string; id: string; at: number }[];
}

/** How a run is named in `runs`. */
export const jobName = ({ kind, id }: JobRef) => `${kind}/${id}`;

/** A Temporal in which nothing runs, and which does nothing of what it is asked, and takes it down. */
export function playedEngine(): PlayedEngine {
  const asked: PlayedEngine['asked'] = [];
  const note = (what: string, id: string): Promise<void> => {
    asked.push({ what, id, at: performance.now() });
    return Promise.resolve();
  };
  const played: PlayedEngine = {
    running: new Map(),
    imports: new Set(),
    open: new Map(),
    runs: new Map(),
    idleQueues: [],
    asked,
    start: ({ mailboxId }) => note('start', mailboxId),
    stop: ({ mailboxId }) => note('stop', mailboxId),
    startRematch: ({ operationId }) => note('startRematch', operationId),
    startReplay: ({ operationId }) => note('startReplay', operationId),
    startMerge: ({ operationId }) => note('startMerge', operationId),
    startLinks: ({ operationId }) => note('startLinks', operationId),
    startReprocess: ({ operationId }) => note('startReprocess', operationId),
    wakeConnector: ({ connectorId }) => note('wakeConnector', connectorId),
    startAudit: ({ mailboxId }) => note('startAudit', mailboxId),
    startDeletion: ({ mailboxId }) => note('startDeletion', mailboxId),
    startErasure: ({ deletionId }) => note('startErasure', deletionId),
    startCascade: ({ deletionId }) => note('startCascade', deletionId),
    runningMailboxes: () => Promise.resolve(new Map(played.running)),
    runningImports: () => Promise.resolve(played.imports),
    queuesWithoutWorkers: () => Promise.resolve(played.idleQueues),
    openWork: (mailboxId) => Promise.resolve(played.open.get(mailboxId) ?? []),
    runOf: (job) => Promise.resolve(played.runs.get(jobName(job)) ?? null),
    tell: () => Promise.resolve(),
    cancel: () => Promise.resolve(),
    terminate: (work) => note('terminate', work.workflowId),
    ensureShards: () => Promise.resolve(0),
    poke: (mailboxId) => note('poke', mailboxId),
    load: (mailboxId) => note('load', mailboxId),
    showShard: () => Promise.resolve(),
    showAudit: () => Promise.resolve(),
  };
  return played;
}
