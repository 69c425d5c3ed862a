import type { Database } from '../database';
import { appendToErasureFile, readErasureFile } from './erasure-file';
import { allErasures, type Erasure } from './journal';

/** The journal's file, outside the database. */
export interface ErasureMirror {
  /**
   * Writes to the file what the table has and the file has not; when it resolves, all that the file holds is on the disk. Returns what the file has and the table has not, oldest first: the
   * database is older than the file, and these must be erased again. Second run: nothing to write, the same answer.
   */
  compare(): Promise<Erasure[]>;
}

/** Keeps the file at `path` up with the journal. Several processes may share a file: an erasure that stands in it twice is one. */
export function createErasureMirror(db: Database, path: string): ErasureMirror {
  let before: Promise<unknown> = Promise.resolve();
  const compare = async () => {
    const [written, known] = [await readErasureFile(path), await allErasures(db)];
    const inFile = new Set(written.map(({ id }) => id));
    const inTable = new Set(known.map(({ id }) => id));
    await appendToErasureFile(
      path,
      known.filter(({ id }) => !inFile.has(id)),
    );
    return written.filter(({ id }) => !inTable.has(id)).sort((one, other) => one.at.getTime() - other.at.getTime());
  };
  return {
    compare: () => {
      const mine = before.then(compare);
      before = mine.catch(() => undefined);
      return mine;
    },
  };
}
