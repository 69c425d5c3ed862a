import type { ActivityRefusal } from '../../domain/activity';
import type { FailureKind } from '../../domain/failure';
import type { ParsedMessage } from '../../domain/message';
import type { Direction } from '../../domain/direction';
import type { PackedBlob } from '../blobs/blob-store';
import type { AddressFingerprints } from '../erasures/erased-people';
import type { NextCursor } from './cursor';

/** What every placement of a batch has. */
interface Placed {
  uid: number;
  size: number;
  internalDate: Date | null;
  /** Bits of domain/flags.ts. */
  flags: number;
  modseq: string | null;
  /** X-GM-LABELS of Gmail. */
  labels?: string[];
}

/** A message that was read: its copy, its message and its ledger row are written together. */
export interface RecordedItem extends Placed {
  kind: 'recorded' | 'headers-only';
  rawSha: Buffer;
  blobId: string | null;
  /** The bytes of `blobId`, where they are stored with the row; absent where they are durable already. */
  bytes?: PackedBlob;
  rawState: 'full' | 'reduced' | 'none';
  providerId: string | null;
  providerThreadId: string | null;
  direction: Direction;
  message: ParsedMessage;
}

/** A message whose bytes this source already holds: a new placement of that copy. */
export interface KnownItem extends Placed {
  kind: 'known';
  rawSha: Buffer;
  copyId: string;
}

/** A message that could not be read, or not even fetched; with its bytes where there are any. */
export interface ParkedItem extends Placed {
  kind: 'parked';
  rawSha: Buffer | null;
  blobId: string | null;
  /** As with `RecordedItem`. */
  bytes?: PackedBlob;
  /** What the server told of it besides, for when it can be read. */
  provider?: { id: string | null; threadId: string | null };
  failure: {
    kind: FailureKind;
    code: string;
    detail: Record<string, string | number>;
    messageIdHeader: string | null;
  };
}

/** A message that the policy leaves out after its body was seen, or whose sender or recipient was erased; no content is kept, only what finds its ledger row. */
export interface FilteredItem extends Placed {
  kind: 'filtered';
  reason: 'unmatched' | ActivityRefusal | 'erased';
  /** Of unmatched mail the addresses that were looked for, to be looked for again when the row is written. */
  addressKeys: string[];
  /** Of unmatched mail what it answers that was not linked to a record (hex of the hashes of message ids): when that is, it is fetched again. */
  answers: string[];
  messageIdHeader: string | null;
}

export type BatchItem = RecordedItem | KnownItem | ParkedItem | FilteredItem;

export interface Batch {
  genId: number;
  items: BatchItem[];
  /** The state of the folder as it was before the fetch; null while something is still owed. */
  cursor: NextCursor | null;
  /**
   * Placements of the history import count towards its operation; those of a replay have rows, which are parked; those that were left out
   * have rows that say so.
   */
  part: 'live' | 'history' | 'replay' | 'left-out';
  /** The replay that a batch belongs to. */
  operationId?: string;
  versions: { parser: number; code: string };
  /** By which mail of people who were erased is known. */
  fingerprintsOf?: AddressFingerprints;
}

/** What a batch came to; second runs count nothing. */
export interface BatchResult {
  recorded: number;
  filtered: number;
  parked: number;
}

/** What one write of a batch came to. */
export interface WrittenBatch extends BatchResult {
  /** Messages that got no row and must be fetched again: until then the cursor may not pass them. */
  deferred: number;
}
