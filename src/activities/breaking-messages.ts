/** What is known of messages of one generation that end the connection when their sizes and dates are asked for. */
interface Suspicion {
  /** Connections lost in a row over such a question. */
  losses: number;
  /** Those among which the one is that did it, if it has been looked for. */
  among: readonly number[] | null;
  breaking: Set<number>;
}

/** Which messages end every connection that asks for as little as their size, since the worker started. */
export interface BreakingMessages {
  /** A connection was lost over the envelopes of a generation. True where that has happened too often to be chance. */
  lost(genId: number): boolean;
  /** The envelopes of a generation came. */
  came(genId: number): void;
  /** One of these UIDs is it: where a search goes on that had to be left. Null: nothing is known. */
  among(genId: number): readonly number[] | null;
  narrow(genId: number, uids: readonly number[] | null): void;
  found(genId: number, uid: number): void;
  isBreaking(genId: number, uid: number): boolean;
}

const lossesByChance = 1;
const remembered = 1_000;

/** Remembers the last 1,000 generations that lost a connection; one that is forgotten loses a few connections more. */
export function createBreakingMessages(): BreakingMessages {
  const suspicions = new Map<number, Suspicion>();
  const suspicionOf = (genId: number): Suspicion => {
    const found = suspicions.get(genId) ?? { losses: 0, among: null, breaking: new Set() };
    suspicions.delete(genId);
    suspicions.set(genId, found);
    const [oldest] = suspicions.keys();
    if (suspicions.size > remembered && oldest !== undefined) suspicions.delete(oldest);
    return found;
  };
  return {
    lost: (genId) => {
      const suspicion = suspicionOf(genId);
      suspicion.losses += 1;
      return suspicion.losses > lossesByChance;
    },
    came: (genId) => {
      const suspicion = suspicions.get(genId);
      if (suspicion !== undefined) Object.assign(suspicion, { losses: 0, among: null });
    },
    among: (genId) => suspicions.get(genId)?.among ?? null,
    narrow: (genId, uids) => {
      suspicionOf(genId).among = uids;
    },
    found: (genId, uid) => {
      const suspicion = suspicionOf(genId);
      suspicion.breaking.add(uid);
      suspicion.among = null;
    },
    isBreaking: (genId, uid) => suspicions.get(genId)?.breaking.has(uid) ?? false,
  };
}
