import type { AddressKind } from './policy';

/** A record as a CRM says it. What is left out (undefined) stays as it is; null empties. */
export interface DirectoryRecord {
  type: string;
  /** The CRM's own id; with the type it finds the record again. */
  externalId: string;
  name?: string;
  number?: string | null;
  /** The external id of its company; null: of none. */
  companyExternalId?: string | null;
  /** As they were given; those that are no addresses are left out where they are taken over, and told. */
  addresses?: { address: string; kind: AddressKind }[];
}

/** What became of a record at the CRM. */
export type DirectoryChange =
  | { kind: 'upsert'; record: DirectoryRecord }
  | { kind: 'deleted'; type: string; externalId: string }
  /** It became a part of another of its type. */
  | { kind: 'merged'; type: string; externalId: string; into: string };

/** Something of the CRM that is no record by the mapping. */
export interface UnreadableRecord {
  externalId: string | null;
  /** Codes, e.g. `no-external-id`, `no-such-type`. */
  reason: string;
}

/** One page of what changed since a cursor. */
export interface ChangesPage {
  changes: DirectoryChange[];
  unreadable: UnreadableRecord[];
  /** Where the next page begins; the same as before where nothing came. */
  cursor: string | null;
  /** There is a next page already. */
  more: boolean;
}

/** What a CRM is told of a message. Beyond what everybody who sees the record may read of it, a field is null. */
export interface ToldMessage {
  id: string;
  threadId: string;
  sortAt: string;
  direction: 'incoming' | 'outgoing' | 'internal' | null;
  from: string | null;
  subject: string | null;
}

/** The record that it is told about, by the CRM's own id. */
export interface ToldRecord {
  id: string;
  type: string;
  externalId: string;
}

/** An activity as a CRM keeps it. */
export interface ToldActivity {
  id: string;
  /** null where the message is gone, and only a note is left. */
  messageId: string | null;
  type: string;
  status: string;
  /** false: it is to be kept out of calendars. */
  calendarSync: boolean;
  ownerUserId: string | null;
  sortAt: string;
}

/** One thing that a CRM is told: how it is now. `id` stays the same for ever, `revision` rises: an older one that comes late is to be left out. */
export type DirectoryNews =
  | {
      kind: 'link';
      id: string;
      revision: number;
      state: 'active' | 'suppressed' | 'removed';
      record: ToldRecord;
      /** null where the message is no more. */
      message: ToldMessage | null;
    }
  | {
      kind: 'activity';
      /** That of the message: there is one activity for each. */
      id: string;
      revision: number;
      /** `noted`: the message is gone, and that there was something stays. */
      state: 'active' | 'noted' | 'removed';
      /** null where it is removed. */
      activity: ToldActivity | null;
      /** The CRM's records that it belongs to, or that take part. */
      records: ToldRecord[];
    };

/** Where records come from and who is told of their links. The built-in one is `db`; each other one is a folder of `src/crm`. */
export interface Directory {
  /** The records that have this address now. */
  find(address: string): Promise<DirectoryRecord[]>;
  /** What changed after the cursor; null is the beginning, and all records then. */
  changes(cursor: string | null): Promise<ChangesPage>;
  /** Tells of links and activities, in their order; resolves when they have been taken. The same may come again. */
  push(news: DirectoryNews[]): Promise<void>;
}
