/** The special-use role of a folder (RFC 6154). */
export type FolderRole = 'inbox' | 'sent' | 'drafts' | 'junk' | 'trash' | 'archive' | 'all' | 'flagged';

/** What STATUS or LIST-STATUS says of a folder. Numbers that may pass 32 or 53 bits are decimal strings. */
export interface FolderStatus {
  uidValidity: string;
  uidNext: number;
  messages: number;
  /** null where the server has no CONDSTORE, or says 0 or less. */
  highestModseq: string | null;
}

/** One line of a listing. `status` null means not known, which is not the same as empty. */
export interface ListedFolder {
  path: string;
  delimiter: string | null;
  role: FolderRole | null;
  selectable: boolean;
  status: FolderStatus | null;
  /** Gmail: the folder is a label, and its mail is in the folder of all mail, which is listed too. */
  view?: 'label';
}

/** The state of a folder, copied at the moment it was opened, before anything was fetched. */
export type FolderSnapshot = FolderStatus;

/** The UIDs a server shows, ascending. `proven` is false where the listing may be partial; then nothing may be derived from what is absent. */
export type UidListing =
  | { proven: true; uids: number[] }
  | {
      proven: false;
      uids: number[];
      reason: DoubtedListing;
      /** Other ways were gone as far as they are for any one folder, or to their ends. Absent: what is not shown may be there still. */
      ways?: 'tried' | 'ended';
    };

/**
 * Why a listing proves nothing absent. `range`: only a part of the folder was asked for, so nothing could be counted against.
 * `message-limit`: the server shows a part, whichever way it is asked. `routes-disagree`: each way shows another part.
 * `shown-in-parts`: no single way shows all, but what they show together is as many as the server counts.
 */
export type DoubtedListing =
  | 'count-differs'
  | 'search-refused'
  | 'uidvalidity-changed'
  | 'message-limit'
  | 'range'
  | 'routes-disagree'
  | 'shown-in-parts';

/** What other ways than one listing show of a folder (by sequence numbers, by UIDs, by dates, each in parts). */
export interface OtherRoutes {
  /** All that any of them showed, ascending. */
  uids: number[];
  /** Commands that were sent for it. */
  commands: number;
  /** No way was broken off because it had no more commands. */
  ended: boolean;
}

/** A message as a cheap FETCH shows it. */
export interface MessageEnvelope {
  uid: number;
  size: number;
  internalDate: Date | null;
  /** Bits of `flags.ts`. */
  flags: number;
  modseq: string | null;
  /** EMAILID (`objectid:...`) or X-GM-MSGID (`gmail:...`). */
  providerId: string | null;
  /** THREADID or X-GM-THRID, with the same prefixes. */
  providerThreadId: string | null;
  /** X-GM-LABELS; absent where the server has none. */
  labels?: string[];
}

/** A message with its bytes. */
export interface FetchedMessage extends MessageEnvelope {
  raw: Buffer;
}
