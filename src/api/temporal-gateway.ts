import type {
  AuditInput,
  ErasureInput,
  LinksToRun,
  CascadeToRun,
  ConnectorInput,
  MailboxRef,
  MailboxSyncInput,
  PokeReason,
  MergeInput,
  RematchInput,
  ReplayInput,
  ReprocessInput,
  SyncNowAnswer,
} from '../workflows/contract';

/** The engine could not be reached, or answered too late. What was wished is in Postgres; the reconciler carries it out. */
export class EngineUnavailable extends Error {
  override readonly name = 'EngineUnavailable';

  constructor(cause: unknown) {
    super('the engine cannot be reached', { cause });
  }
}

/** What the engine can do at this moment. */
export interface EngineHealth {
  reachable: boolean;
  /** A worker asks for work on the queue that mailboxes need. */
  polled: boolean;
}

/** A mailbox whose workflow is meant, with its fence and wish as they are in Postgres now. */
export type MailboxToRun = MailboxSyncInput & { provider: string };

/** All that the API asks of Temporal. Every method but `health` throws EngineUnavailable and nothing else. Ids only go in. */
export interface TemporalGateway {
  /** Starts the workflow of a mailbox. Second run: the one that runs is used. */
  startMailbox(mailbox: MailboxToRun): Promise<void>;
  /** Tells the workflow that the wish has changed, and starts it where there is none, so that it carries the wish out. */
  sendWish(mailbox: MailboxToRun): Promise<void>;
  /** Starts the stop of a mailbox. Second run: the one that runs is told that it was wished once more. */
  stopMailbox(mailbox: MailboxRef): Promise<void>;
  /** Starts the deletion of a mailbox. Second run: the one that runs looks again at what is wished. */
  deleteMailbox(mailbox: MailboxRef): Promise<void>;
  /** Starts the deletion of a record, user or tenant. Second run: the one that runs goes on. */
  deleteCascade(cascade: CascadeToRun): Promise<void>;
  /** Starts the erasure of a person. Second run: the one that runs is used. */
  erasePerson(erasure: ErasureInput): Promise<void>;
  /** Wakes a workflow. Where none runs, nothing happens. */
  poke(mailbox: MailboxRef, reason: PokeReason): Promise<void>;
  /** Asks for a round and resolves when it has ended, however long that takes. The same `requestId` asks once. */
  syncNow(mailbox: MailboxToRun, requestId: string): Promise<SyncNowAnswer>;
  /** Resolves when the job is started; it says in its operation how far it is. */
  startRematch(input: RematchInput): Promise<void>;
  /** Starts an operation that merges two records, or takes them apart. Second run: the one that runs is used. */
  startMerge(input: MergeInput): Promise<void>;
  /** Resolves when the operation on links is started; it says in its operation how far it is. */
  startLinks(links: LinksToRun): Promise<void>;
  /** Resolves when the replay is started, or one that runs has heard that it goes on. */
  startReplay(input: ReplayInput): Promise<void>;
  /** Resolves when the job that reads stored mail again is started, or one that runs has heard that it goes on. */
  startReprocess(input: ReprocessInput): Promise<void>;
  /** Resolves when the connector's workflow is started, or one that runs has heard that there is something to do. */
  wakeConnector(input: ConnectorInput): Promise<void>;
  /** Starts the comparison of all folders with the server and resolves when it has ended, well or not. One that runs already is waited for. */
  auditMailbox(input: AuditInput): Promise<void>;
  /** Resolves within a few seconds. */
  health(): Promise<EngineHealth>;
  close(): Promise<void>;
}
