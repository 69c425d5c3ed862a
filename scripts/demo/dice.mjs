// @ts-check
import { createHash } from 'node:crypto';

/**
 * Chance that comes out the same every time: a sequence of numbers from a name (mulberry32 over the name's SHA-256).
 * Each thing that is made has dice of its own, so that adding one thing does not change the others.
 * @param {string} name
 */
export function diceOf(name) {
  let state = createHash('sha256').update(name).digest().readUInt32LE(0);

  /** A number from 0 to below 1. */
  function roll() {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  }

  /** A whole number, both ends included. @param {number} from @param {number} to */
  function between(from, to) {
    return from + Math.floor(roll() * (to - from + 1));
  }

  /** One of a list. @template T @param {readonly T[]} list @returns {T} */
  function pick(list) {
    return /** @type {T} */ (list[between(0, list.length - 1)]);
  }

  /** The list in another order. @template T @param {readonly T[]} list @returns {T[]} */
  function shuffle(list) {
    const left = [...list];
    return list.map(() => /** @type {T} */ (left.splice(between(0, left.length - 1), 1)[0]));
  }

  /** Hexadecimal digits. @param {number} count */
  function hex(count) {
    return Array.from({ length: count }, () => between(0, 15).toString(16)).join('');
  }

  return { roll, between, pick, shuffle, hex };
}

/** @typedef {ReturnType<typeof diceOf>} Dice */
