// @ts-check
import { diceOf } from './dice.mjs';
import { oddBodies } from './odd-bodies.mjs';
import { oddCharsets } from './odd-charsets.mjs';
import { oddHeaders } from './odd-headers.mjs';
import { dayMs } from './working-days.mjs';

/** All that is odd, ready for the mailbox. @param {string} seed @param {Date} end @returns {import('./letter.mjs').DemoMessage[]} */
export function odditiesUntil(seed, end) {
  return [...oddCharsets(), ...oddHeaders(seed), ...oddBodies(seed)].map((oddity) => {
    const dice = diceOf(`${seed}/odd/${oddity.kind}/${oddity.daysAgo}`);
    const date = new Date(end.getTime() - oddity.daysAgo * dayMs + dice.between(7 * 3600, 16 * 3600) * 1_000);
    const id = oddity.messageId === undefined ? `<${dice.hex(20)}@odd.example>` : oddity.messageId;
    const when = oddity.date === undefined ? date.toUTCString().replace('GMT', '+0000') : oddity.date;
    const lines = [
      ...oddity.head,
      ...(when === null ? [] : [`Date: ${when}`]),
      ...(id === null ? [] : [`Message-ID: ${id}`]),
    ];
    const head = lines.flatMap((line) => [Buffer.from(line), Buffer.from('\r\n')]);
    return {
      folder: oddity.folder ?? (oddity.daysAgo > 200 ? 'Archive' : 'INBOX'),
      flags: ['\\Seen'],
      internalDate: date,
      raw: Buffer.concat([...head, Buffer.from('\r\n'), Buffer.from(oddity.body)]),
      kinds: [oddity.kind],
    };
  });
}
