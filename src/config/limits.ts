/** Every limit of the product, with its default. Each can be set as LETTERBOOK_<NAME IN CAPITALS>, e.g. LETTERBOOK_MAX_PARTS. */
export const defaultLimits = {
  /** Trying a connection before it is saved. */
  probeTimeoutMs: 30_000,
  /** Reaching a server, until its greeting; some take twenty seconds for it. */
  connectTimeoutMs: 40_000,
  /** Silence on a connection in use. */
  socketTimeoutMs: 60_000,
  /** One command with an answer that drips; each so many bytes of it allow a second more. */
  commandTimeoutMs: 600_000,
  minBytesPerSecond: 1_024,
  /** Messages and bytes of one fetch; both are counted before it is sent. */
  fetchBatchMessages: 100,
  fetchBatchBytes: 8_388_608,
  /** Messages above this are streamed to a spool file, one at a time. */
  streamAboveBytes: 8_388_608,
  /** Bytes of messages that one worker holds in memory between server and database. */
  bytesInFlight: 67_108_864,
  /** New messages that one live round takes of a folder before it lets others go on; more are left to the import. */
  liveRoundMessages: 500,
  /** A live round of a folder with more messages compares so many of its newest UIDs, and the number of all, where the server counts changes. */
  comparedTailUids: 500,
  /** Left-out replies of a mailbox with `unmatched: drop` that a round looks at: whether what they answer is linked by now. */
  leftOutRepliesPerRound: 1_000,
  /** One activity of the import ends after this many messages or this time, whichever is first. */
  importActivityMessages: 5_000,
  importActivityMs: 60_000,
  /** Folders of a mailbox; above it the mailbox needs attention. */
  maxFolders: 10_000,
  /** Fetching stops while the disk of the data directory has less free. */
  minFreeDiskBytes: 536_870_912,
  /** Parsing of one message. */
  parseTimeoutMs: 20_000,
  parseHeapMegabytes: 256,
  parseThreads: 2,
  maxParts: 1_000,
  maxDepth: 100,
  maxHeaderBytes: 1_048_576,
  maxAddresses: 5_000,
  maxReferences: 100,
  maxTextCharacters: 262_144,
  /** HTML that is sanitised for display; longer is cut, and said so. */
  maxHtmlCharacters: 2_097_152,
  /** Sanitising the HTML of one message. What takes longer, or more than the memory that parsing may take, is shown as its text. */
  htmlTimeoutMs: 5_000,
  htmlThreads: 2,
  /** Bodies of API requests. */
  maxBodyBytes: 10_485_760,
  maxNdjsonBytes: 268_435_456,
  maxPageSize: 200,
  /** A page that leaves out looks at so many rows of each principal; of a reader who has just lost mail, at so many. Where little fits it is short, and goes on. */
  filteredPageRows: 1_000,
  narrowedPageRows: 500,
  /** `sync` answers 202 after this. */
  syncAnswerMs: 30_000,
  /** Messages that an added address links at once, or whose readers change at once; more become a job. */
  rematchAtOnceMessages: 1_000,
  /** Shares of such a job that the answer waits for: others may have added to it meanwhile. */
  rematchAtOnceShares: 50,
  /** For so long a merge of records can be undone. */
  mergeUndoMs: 2_592_000_000,
  /** Connections made to a host in a second, over all workers: to a host that is a company's own, and to one of a known provider. */
  hostConnectsPerSecond: 100,
  providerConnectsPerSecond: 10,
  /** Connections of all workers together to an account whose provider is not known; what waits for one fails, and is tried again, after this. */
  connectionsPerAccount: 8,
  connectionWaitMs: 20_000,
  /** Mailboxes of a host that a worker attaches at once. */
  attachesPerHost: 32,
  /** A round's connection is closed after so long without use; where the provider counts connections, at once. */
  connectionIdleMs: 300_000,
  /** Workflows of mailboxes just attached that are loaded into a worker's memory at once. */
  warmUpsAtOnce: 4,
  /** A connection that waits for news is renewed after this, where the provider asks for no less. */
  idleRenewMs: 270_000,
  /** What a server may send within a minute to a connection that waits for news. */
  watchBytesPerMinute: 4_194_304,
  /** At least so long between two pokes of a mailbox; many arrivals make one round. */
  pokeSpacingMs: 750,
  /** Where a server tells of every folder, it is swept no more often than this. */
  pushSweepMs: 3_600_000,
  /** The longest time until a lost connection that waits for news is tried again. */
  watchRetryCapMs: 60_000,
  /** A worker gives a shard back after this, with a tenth of it as jitter. */
  shardHoldMs: 86_400_000,
  /** What is watched is written down this often; what nobody has vouched for so long is looked at by the clock. */
  watchWriteMs: 30_000,
  watchStaleMs: 90_000,
  /** A mailbox is looked at after this even if nobody has news of it. */
  safetyTimerMs: 21_600_000,
  /** The same while flags are followed and a server does not say that they have changed. */
  flagsLookMs: 3_600_000,
  /** Ledger rows that one transaction of a deletion deletes at most, and of a mailbox fewer, so that others who write mail wait for so long; one share of its work lasts so long. */
  deletionChunkRows: 2_000,
  deletionHoldMs: 250,
  deletionActivityMs: 20_000,
  /** Addresses of one person that a call erases or exports. */
  personAddresses: 20,
  /** The export of a person can be fetched for this long. */
  exportKeptMs: 24 * 3_600_000,
  /** Workflows that a worker keeps in memory between their turns, some 40 to 90 kB each; one that fell out is replayed from its history. */
  cachedWorkflows: 5_000,
  /** Workflows the reconciler starts. */
  reconcileStartsPerSecond: 30,
  /** The owner of a mailbox hears of it after so many hours without a successful round. */
  noSuccessHours: 6,
  /** Changes to and fro of a flapping server that a mailbox's history shows one by one; older ones are folded. */
  alternationsKept: 20,
  /** Events of a mailbox, and how long they are kept. */
  mailboxEventsKept: 1_000,
  mailboxEventsKeptMs: 34_560_000_000,
  /** A mailbox is compared with its server this often, with a twelfth of it as jitter; so many are begun in a minute. */
  dailyAuditMs: 86_400_000,
  auditsPerMinute: 30,
  /** After differences it is compared again after this, and the more seldom the longer they last; what could not be compared, after this. */
  auditAgainMs: 600_000,
  auditRetryMs: 900_000,
  /** So long without a successful round is an outage, after which it is compared, but not within this time of the last comparison. */
  outageMs: 900_000,
  auditsApartMs: 21_600_000,
  /** Commands that one audit, or one share of an import, spends on other ways to list folders that show a part of themselves only; a folder gets half. */
  otherRouteCommands: 800,
  /** Where a folder is too big to compare the identities of all its messages at once, each audit takes another part; all in so many days. */
  identityRotationDays: 30,
  /** A host that says that it is too busy for everybody is left alone for this, where it does not say for how long; and at most for this. */
  hostPauseMs: 60_000,
  hostPauseCapMs: 86_400_000,
  /** What audits found, and the operations of audits, are kept so long. */
  auditFindingsKeptMs: 7_776_000_000,
  /** More removals at once than this number and this share of a mailbox's messages wait for a person. */
  confirmRemovalsAbove: 50,
  confirmRemovalsPercent: 20,
  /** A removal that could not be proven is looked at again after this. */
  removalRetryMs: 60_000,
  /** Of so many messages that no copy stands for, the server is asked in one round what they are known by; removals wait for all of them. */
  removalCompareMessages: 20_000,
  /** A removal that waits longer than this for nothing but messages of which the server says nothing at all is put to a person. */
  removalUnknownMs: 604_800_000,
  /** Removals that one transaction carries out. */
  removalChunk: 200,
  /** Links by hand of messages that were removed come back with them for so long. */
  removedLinksKeptMs: 7_776_000_000,
  /** Work on a mailbox that waits longer, while nothing moves, is stuck. */
  stuckAfterMs: 600_000,
  /** What the reconciler did is kept so long. */
  reconciliationsKeptMs: 2_592_000_000,
  /** The report of a replay, or of a reprocess, is kept so long after its end. */
  replayReportsKeptMs: 7_776_000_000,
  /** A stop lets work in flight come to its end, */
  stopDrainMs: 20_000,
  /** then cancels it, and after this cuts it off. */
  stopCancelMs: 10_000,
  /** One request to a CRM, and the bytes of its answer. */
  crmTimeoutMs: 30_000,
  crmAnswerBytes: 16_777_216,
  /** The longest time until a CRM that failed is asked again, where it names none. */
  connectorRetryCapMs: 3_600_000,
  /** Connectors of a tenant. */
  connectorsPerTenant: 20,
  /** Of so many of the newest unassigned messages groups are counted. */
  unassignedGrouped: 10_000,
  /** Unassigned messages that one call assigns. */
  assignedAtOnce: 10_000,
  /** Looking for the server of a domain that is no known provider's. */
  discoverTimeoutMs: 6_000,
  /** Servers that are tried at the same time for it. */
  discoverTriesAtOnce: 6,
  /** Such searches of one tenant at the same time, in one process. */
  lookupsAtOnce: 4,
  /** A preview tells what it has seen until then. */
  previewTimeoutMs: 45_000,
  /** Folders that a preview looks into; of others it tells the count alone. */
  previewFolders: 500,
  /** Messages of a folder whose date and size a preview asks for. */
  previewSampleMessages: 200,
  /** Previews of one tenant at the same time, in one process. */
  previewsAtOnce: 2,
  /** What people did to links can be undone for so long. */
  linkUndoKeptMs: 2_592_000_000,
  /** Links that one call makes or takes away. */
  linksAtOnce: 10_000,
} as const;

export type Limits = { -readonly [Name in keyof typeof defaultLimits]: number };
