import type { Readable } from 'node:stream';

/** A span of a blob's bytes as they were before compression. */
export interface ByteRange {
  offset: number;
  length: number;
}

/** Whose mail the bytes are; all of it goes with the source. A mailbox as the activities have it is one. */
export interface BlobOwner {
  tenantId: string;
  sourceId: string;
}

/** Bytes as they are stored, under an id that is theirs. */
export interface PackedBlob {
  id: string;
  sha256: Buffer;
  size: number;
  storedSize: number;
  encoding: number;
  stored: Buffer;
}

/**
 * Keeps bytes for good: a blob is never changed, and each put makes a new one (who has the same bytes already is decided where copies are
 * made). A put that resolves is durable; one that fails, at whatever moment, leaves nothing.
 */
export interface BlobStore {
  /** Stores all of them or none; the ids are in the order of `blobs`. `sha256` is of `bytes`. */
  putBatch(owner: BlobOwner, blobs: readonly { sha256: Buffer; bytes: Buffer }[]): Promise<{ blobId: string }[]>;
  /** Makes blobs of a few bytes, which `storePacked` stores in the transaction that writes what refers to them. */
  pack(blobs: readonly { sha256: Buffer; bytes: Buffer }[]): Promise<PackedBlob[]>;
  /** Stores a file of any size in flat memory. @throws Error where its bytes do not have this SHA-256 */
  putFile(owner: BlobOwner, file: { path: string; sha256: Buffer }): Promise<{ blobId: string }>;
  /** All bytes at once. @throws BlobNotFound */
  read(tenantId: string, blobId: string): Promise<Buffer>;
  /** The bytes of a span; fewer where the blob ends before it. @throws BlobNotFound */
  readRange(tenantId: string, blobId: string, range: ByteRange): Promise<Buffer>;
  /** The bytes as they come, in flat memory; `size` is how many there will be. @throws BlobNotFound */
  open(tenantId: string, blobId: string): Promise<{ size: number; content: Readable }>;
  /** How many of these were there. @throws an error of the database where a copy or a placement still refers to one */
  delete(tenantId: string, blobIds: readonly string[]): Promise<number>;
  /**
   * Deletes blobs that neither a copy nor a placement refers to: what a crash left between the bytes and the ledger, and what deletions let
   * go. Younger ones than `graceMs` may still be on their way into the ledger. The number of blobs that were deleted.
   */
  sweepOrphans(tenantId: string, options: { graceMs: number }): Promise<number>;
}

/** There is no such blob in this tenant. */
export class BlobNotFound extends Error {
  override readonly name = 'BlobNotFound';

  constructor(readonly blobId: string) {
    super(`there is no blob ${blobId}`);
  }
}

/** A blob's bytes are not as many as were put: they were damaged, or deleted while they were read. */
export class BlobDamaged extends Error {
  override readonly name = 'BlobDamaged';

  constructor(readonly blobId: string) {
    super(`bytes of the blob ${blobId} are missing`);
  }
}
