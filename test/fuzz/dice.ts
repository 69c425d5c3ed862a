import { createHash } from 'node:crypto';

/** Chance that comes out the same every time for the same name. */
export interface Dice {
  /** From 0 to below 1. */
  roll(): number;
  /** A whole number, both ends included. */
  between(from: number, to: number): number;
  pick<T>(list: readonly T[]): T;
  /** Whether something happens that happens in this share of all cases. */
  happens(share: number): boolean;
  bytes(count: number): Buffer;
}

/** Dice of a name (mulberry32 over its SHA-256), so that the thousandth thing can be made without the 999 before it. */
export function diceOf(name: string): Dice {
  let state = createHash('sha256').update(name).digest().readInt32LE(0);
  const roll = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
  const between = (from: number, to: number): number => from + Math.floor(roll() * (to - from + 1));
  return {
    roll,
    between,
    pick: <T>(list: readonly T[]): T => {
      if (list.length === 0) throw new Error('there is nothing to pick from');
      return list[between(0, list.length - 1)] as T;
    },
    happens: (share) => roll() < share,
    bytes: (count) => Buffer.from(Array.from({ length: count }, () => between(0, 255))),
  };
}
