import type { ListedFolder } from './folder';

/** A folder as it is on record, for what a listing may have changed of it. */
export interface RecordedFolder {
  folderId: string;
  path: string;
  generation: { uidValidity: string } | null;
}

/** Where a listing and what is on record do not agree. */
export interface Disagreement<Folder extends RecordedFolder> {
  /** On record with messages; the listing has the name no more, or shows a folder of that name that holds none. */
  lost: Folder[];
  /** The listing shows another folder (another UIDVALIDITY) under its name. */
  replaced: Folder[];
  /** On record without messages, and not listed. */
  forgotten: Folder[];
  /** Listed, and of that name nothing is on record. */
  appeared: ListedFolder[];
  /** Listed under a name that stood for another folder, or for none with messages. */
  reoccupied: ListedFolder[];
}

/** Compares a listing with the folders on record. Nothing follows from it yet: one listing proves nothing absent. */
export function disagreement<Folder extends RecordedFolder>(
  onRecord: Folder[],
  listed: ListedFolder[],
): Disagreement<Folder> {
  const listedBy = new Map(listed.map((folder) => [folder.path, folder]));
  const rowBy = new Map(onRecord.map((folder) => [folder.path, folder]));
  const replacedBy = (folder: Folder): boolean => {
    const shown = listedBy.get(folder.path)?.status?.uidValidity;
    return shown !== undefined && folder.generation !== null && folder.generation.uidValidity !== shown;
  };
  const selectable = listed.filter((folder) => folder.selectable);
  return {
    lost: onRecord.filter(({ path, generation }) => generation !== null && listedBy.get(path)?.selectable !== true),
    replaced: onRecord.filter(replacedBy),
    forgotten: onRecord.filter(({ path, generation }) => generation === null && !listedBy.has(path)),
    appeared: selectable.filter(({ path }) => !rowBy.has(path)),
    reoccupied: selectable.filter(({ path }) => {
      const row = rowBy.get(path);
      return row !== undefined && (row.generation === null || replacedBy(row));
    }),
  };
}

/** What is known of a message without its bytes. */
interface Identity {
  uid: number;
  size: number;
  internalDate: Date | null;
  providerId: string | null;
}

const enoughOfTen = 8;

/**
 * Whether messages on record are those that a folder shows under the same UIDs: by provider id where both have one, else by size and
 * date. `unknown` where the folder shows none of them.
 */
export function compareIdentities(onRecord: Identity[], shown: Identity[]): 'same' | 'other' | 'unknown' {
  const shownBy = new Map(shown.map((identity) => [identity.uid, identity]));
  const pairs = onRecord.flatMap((one) => {
    const other = shownBy.get(one.uid);
    return other === undefined ? [] : [sameMessage(one, other)];
  });
  if (pairs.length === 0) return 'unknown';
  return pairs.filter(Boolean).length * 10 >= pairs.length * enoughOfTen ? 'same' : 'other';
}

const quarterHourMs = 900_000;
const widestOffsetMs = 14 * 3_600_000;

/**
 * Whether a message on record is certainly not the one that a folder shows under the same UID. Exchange changes a size, and some servers
 * tell the time of arrival in another zone after the clocks have changed: neither alone makes another message. Nor does another provider
 * id: the same bytes that came twice are on record under the id of the first.
 */
export function contradicts(onRecord: Identity[], shown: Identity[]): boolean {
  return otherMessages(onRecord, shown).length > 0;
}

/** The UIDs, ascending, under which a folder certainly shows another message than the one on record. */
export function otherMessages(onRecord: Identity[], shown: Identity[]): number[] {
  const shownBy = new Map(shown.map((identity) => [identity.uid, identity]));
  const others = onRecord.filter((one) => {
    const other = shownBy.get(one.uid);
    return other !== undefined && isOther(one, other);
  });
  return others.map(({ uid }) => uid).sort((one, other) => one - other);
}

function isOther(one: Identity, other: Identity): boolean {
  if (one.providerId !== null && other.providerId !== null) {
    return one.providerId !== other.providerId && (one.size !== other.size || isAtAnotherTime(one, other));
  }
  if (one.internalDate === null || other.internalDate === null) return false;
  const apartMs = Math.abs(one.internalDate.getTime() - other.internalDate.getTime());
  if (apartMs === 0) return false;
  const isZone = apartMs % quarterHourMs === 0 && apartMs <= widestOffsetMs;
  return !isZone || one.size !== other.size;
}

function isAtAnotherTime(one: Identity, other: Identity): boolean {
  if (one.internalDate === null || other.internalDate === null) return false;
  return one.internalDate.getTime() !== other.internalDate.getTime();
}

function sameMessage(one: Identity, other: Identity): boolean {
  if (one.providerId !== null && other.providerId !== null) return one.providerId === other.providerId;
  return one.size === other.size && one.internalDate?.getTime() === other.internalDate?.getTime();
}
