import { randomFillSync } from 'node:crypto';

// Random bytes are taken from the kernel in blocks: an import makes some ten ids per message.
const randomBlock = Buffer.alloc(8 * 512);
let randomUsed = randomBlock.length;

let lastMs = 0;
let counter = 0;

/**
 * A new id: UUID version 7 (RFC 9562 5.7), lower case with dashes. Each id of a process is greater than all before it, as text and as
 * bytes, also when the clock steps back: 12 bits count within a millisecond (6.2, method 1), and when they are used up the next
 * millisecond is taken early. The other 62 bits come from the system's random source.
 */
export function newUuid(): string {
  advance(Date.now());
  const random = randomEight();
  random[0] = ((random[0] ?? 0) & 0x3f) | 0x80;
  const time = lastMs.toString(16).padStart(12, '0');
  const tail = random.toString('hex');
  const count = counter.toString(16).padStart(3, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7${count}-${tail.slice(0, 4)}-${tail.slice(4)}`;
}

function advance(nowMs: number): void {
  if (nowMs > lastMs) {
    lastMs = nowMs;
    // Starts low, so that thousands of ids fit into the millisecond, but not at a number that could be guessed.
    counter = (randomEight()[0] ?? 0) & 0xff;
    return;
  }
  counter += 1;
  if (counter <= 0xfff) return;
  lastMs += 1;
  counter = 0;
}

function randomEight(): Buffer {
  if (randomUsed === randomBlock.length) {
    randomFillSync(randomBlock);
    randomUsed = 0;
  }
  randomUsed += 8;
  return randomBlock.subarray(randomUsed - 8, randomUsed);
}
