import type {
  MailboxRef,
  MailboxSyncInput,
  PokeReason,
  RematchInput,
  AuditInput,
  SyncNowAnswer,
  Wish,
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

/** All that the API asks of Temporal. Every method but `health` throws EngineUnavailable and nothing else. Ids only go in. */
export interface TemporalGateway {
  /** Starts the workflow of a mailbox. Second run: the one that runs is used. */
  startMailbox(input: MailboxSyncInput): Promise<void>;
  /** Tells a running workflow what is wished now, and starts it where there is none and the wish is `running`. */
  sendWish(mailbox: MailboxSyncInput, wish: Wish): Promise<void>;
  /** Wakes a workflow. Where none runs, nothing happens. */
  poke(mailbox: MailboxRef, reason: PokeReason): Promise<void>;
  /** Asks for a round and resolves when it has ended, however long that takes. The same `requestId` asks once. */
  syncNow(mailbox: MailboxSyncInput, requestId: string): Promise<SyncNowAnswer>;
  /** Resolves when the job is started; it says in its operation how far it is. */
  startRematch(input: RematchInput): Promise<void>;
  /** Starts the comparison of all folders with the server and resolves when it has ended. One that runs already is waited for. */
  auditMailbox(input: AuditInput): Promise<void>;
  health(): Promise<EngineHealth>;
  close(): Promise<void>;
}
