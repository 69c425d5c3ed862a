import { diceOf } from './dice';
import { damages } from './mime-damage';
import { bombs, shapes } from './mime-shapes';

/** A message that was made to be trouble, and how it was made. */
export interface Mutant {
  name: string;
  raw: Buffer;
}

const share = { bombs: 0.004, shapes: 0.15 };

/** The message with this number of the run with this seed; always the same bytes. */
export function mutantOf(seed: string, number: number, corpus: readonly Buffer[]): Mutant {
  const dice = diceOf(`${seed}/message/${String(number)}`);
  if (dice.happens(share.bombs)) return made(bombs, dice);
  let { name, raw }: Mutant = dice.happens(share.shapes)
    ? made(shapes, dice)
    : { name: 'letter', raw: dice.pick(corpus) };
  // What is of a bad shape is damaged half of the time, what was sent by people always.
  const times = name === 'letter' ? dice.between(1, 4) : dice.between(0, 1);
  for (let left = times; left > 0; left -= 1) {
    const way = dice.pick(Object.keys(damages));
    raw = damages[way]?.(raw, dice, dice.pick(corpus)) ?? raw;
    name += `, ${way}`;
  }
  return { name, raw };
}

function made(kinds: typeof shapes, dice: ReturnType<typeof diceOf>): Mutant {
  const name = dice.pick(Object.keys(kinds));
  return { name, raw: kinds[name]?.(dice) ?? Buffer.alloc(0) };
}

const mostTries = 400;

/** The shortest message that is found, within some tries, of which the same can still be said as of this one. */
export async function smallest(raw: Buffer, isStillSo: (raw: Buffer) => Promise<boolean>): Promise<Buffer> {
  let left = raw;
  let tries = 0;
  for (let piece = Math.ceil(raw.length / 2); piece >= 1 && tries < mostTries; piece = Math.floor(piece / 2)) {
    for (let at = 0; at < left.length && tries < mostTries;) {
      const shorter = Buffer.concat([left.subarray(0, at), left.subarray(at + piece)]);
      tries += 1;
      if (await isStillSo(shorter)) left = shorter;
      else at += piece;
    }
  }
  return left;
}
