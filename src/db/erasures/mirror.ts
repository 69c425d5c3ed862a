import type { Database } from '../database';
import { appendToErasureFile, readErasureFile } from './erasure-file';
import { allErasures, type Erasure } from './journal';

/** The journal's file, outside the database. */
export interface ErasureMirror {
  /**
   * Writes to the file what the table has and the file has not: erasures, and that they have ended. When it resolves, all that the file holds
   * is on the disk. Returns what the file has and the table has not, oldest first: the database is older than the file, and these must be
   * erased again. Second run: nothing to write, the same answer.
   */
  compare(): Promise<Erasure[]>;
}

/** The same for who must know what was erased before. */
export interface ErasureHistory extends ErasureMirror {
  /** The ids of erasures whose end the file holds. */
  ended(): Promise<Set<string>>;
}

/** Keeps the file at `path` up with the journal. Several processes may share a file: an erasure that stands in it twice is one. */
export function createErasureMirror(db: Database, path: string): ErasureHistory {
  let before: Promise<unknown> = Promise.resolve();
  const compare = async () => {
    const [written, known] = [await readErasureFile(path), await allErasures(db)];
    const inFile = new Map(written.map(({ id, ended }) => [id, ended]));
    const inTable = new Set(known.map(({ id }) => id));
    await appendToErasureFile(
      path,
      known.filter(({ id, ended }) => !inFile.has(id) || (ended && inFile.get(id) === false)),
    );
    return written.filter(({ id }) => !inTable.has(id)).sort((one, other) => one.at.getTime() - other.at.getTime());
  };
  return {
    compare: () => {
      const mine = before.then(compare);
      before = mine.catch(() => undefined);
      return mine;
    },
    ended: async () => new Set((await readErasureFile(path)).flatMap(({ id, ended }) => (ended ? [id] : []))),
  };
}
