import type { Readable } from 'node:stream';

import type {
  FetchedMessage,
  FolderSnapshot,
  FolderStatus,
  ListedFolder,
  MessageEnvelope,
  OtherRoutes,
  UidListing,
} from '../domain/folder';
import type { RoutesWish } from './other-routes';

/** How to reach an account. The password is in clear here and nowhere else. */
export interface MailboxAccess {
  host: string;
  port: number;
  security: 'tls' | 'starttls' | 'none';
  allowInvalidCertificate: boolean;
  /** PEM of an own certificate authority. */
  ca: string | null;
  username: string;
  password: string;
}

/** What the server can do, read after login. */
export interface MailboxAbilities {
  condstore: boolean;
  uidPlus: boolean;
  idle: boolean;
  listStatus: boolean;
  gmail: boolean;
  /** RFC 9738: answers may be partial, so no listing proves anything absent. */
  messageLimit: boolean;
}

/** An open connection to one account. Every method throws MailFailure and nothing else. Calls are made one at a time. */
export interface Mailbox {
  readonly abilities: MailboxAbilities;
  /** True until the connection is lost or closed. */
  readonly usable: boolean;
  /** One sweep: every folder with its STATUS, in one command where LIST-STATUS exists (RFC 5819). */
  listFolders(): Promise<ListedFolder[]>;
  /** What STATUS says of one folder now; null where that is not known. No folder is open after it. */
  folderStatus(path: string): Promise<FolderStatus | null>;
  /** EXAMINE (RFC 9051 6.3.3), anew even when it is open already. The snapshot is a copy, taken before anything is fetched. */
  examine(path: string): Promise<OpenFolder>;
  /** When it was logged in, in milliseconds since the epoch: what a session was told of folders, some servers tell it for ever. */
  readonly openedAt: number;
  /**
   * Logs out and in again, for a second look at a server that allows one connection only, or that has stayed behind in this one. Folders
   * that were open are not any more. After a failure the mailbox is no longer usable.
   */
  reopen(): Promise<void>;
  /** SELECT and `UID STORE +FLAGS (\Seen)`. Second run: no change. */
  markSeen(path: string, uidValidity: string, uids: number[]): Promise<void>;
  close(): Promise<void>;
}

/** The folder that is open on a connection, until another is. */
export interface OpenFolder {
  readonly path: string;
  readonly snapshot: FolderSnapshot;
  /** Whether the server told UIDNEXT; else it is one above the newest UID, and falls when that message goes. */
  readonly toldUidNext: boolean;
  /** MAILBOXID (RFC 8474 4.1): stays with a folder that is renamed. Null where the server has no OBJECTID. */
  readonly mailboxId: string | null;
  /** All UIDs of the folder, or those from `from` to `to` inclusive; a listing of all is proven against EXISTS. */
  listUids(range?: { from: number; to: number }): Promise<UidListing>;
  /** What other ways than `listUids` show of a folder that shows but a part of itself: by sequence numbers, by UIDs and by dates, in parts. */
  listByOtherRoutes(wish: RoutesWish): Promise<OtherRoutes>;
  /** UIDs whose INTERNALDATE is not before that day (SEARCH SINCE: day precision, server's time zone), ascending. */
  listUidsSince(day: Date): Promise<number[]>;
  /** UIDs whose INTERNALDATE is before the UTC day of this instant (SEARCH BEFORE, likewise), ascending. */
  listUidsBefore(day: Date): Promise<number[]>;
  /** UIDs without \Seen, ascending. */
  listUnseenUids(): Promise<number[]>;
  /** UIDs with \Seen, ascending. */
  listSeenUids(): Promise<number[]>;
  /** Size, date, flags, modseq and provider ids of these UIDs. UIDs without a row are simply absent. */
  fetchEnvelopes(uids: number[]): Promise<MessageEnvelope[]>;
  /**
   * Fetches the bytes of these UIDs with BODY.PEEK[]; each goes to `onMessage` once, which may wait (that is the back-pressure).
   * Returns the UIDs still owed: no row, a row without bytes, or bytes that are the server's excuse (Exchange).
   */
  fetchRaw(uids: number[], onMessage: (message: FetchedMessage) => Promise<void>): Promise<{ owed: number[] }>;
  /**
   * Streams one big message. The stream must be read to its end or destroyed before the next call. Null: owed. `bytes-alone` asks
   * neither size nor date nor flags, for a message that the server cannot even tell these of.
   */
  streamRaw(
    uid: number,
    items?: 'all' | 'bytes-alone',
  ): Promise<{ envelope: MessageEnvelope; content: Readable } | null>;
  /** Message-ID headers with their angle brackets, null for a message without one. What the server does not tell is absent. */
  fetchMessageIds(uids: number[]): Promise<Map<number, string | null>>;
  /** The header block only, BODY.PEEK[HEADER]; null: owed. */
  fetchHeader(uid: number): Promise<Buffer | null>;
  /** Flags of messages changed since a modseq (RFC 7162 CHANGEDSINCE); null asks for all. With X-GM-LABELS where there are any. */
  flagsSince(
    modseq: string | null,
  ): Promise<{ uid: number; flags: number; modseq: string | null; labels?: string[] }[]>;
}
