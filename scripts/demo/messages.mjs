// @ts-check
import { zurichFolder } from './company.mjs';
import { conversationsUntil } from './conversations.mjs';
import { diceOf } from './dice.mjs';
import { answersByMachine, forwardsOf, newslettersUntil, noiseUntil } from './everyday.mjs';
import { bytesOf } from './letter.mjs';
import { misaddressed } from './bounces.mjs';
import { odditiesUntil } from './oddities.mjs';
import { talksUntil } from './threads.mjs';
import { dayMs } from './working-days.mjs';

/** @typedef {import('./letter.mjs').DemoMessage} DemoMessage */
/** @typedef {import('./letter.mjs').Letter} Letter */

/** Folders of the mailbox, with their role (RFC 6154), in the order in which they are filled. */
export const demoFolders = /** @type {const} */ (['INBOX', 'Sent', 'Archive', zurichFolder, 'Trash', 'Junk']);

/** Midnight at the start of today in UTC: where the two years end, so that the demo looks alive. */
export function today() {
  return new Date(Math.floor(Date.now() / dayMs) * dayMs);
}

/**
 * The mailbox of the demo company: over 400 messages of two years, oldest first. Equal arguments give equal bytes.
 * @param {{end: Date, seed?: string}} wanted `end` is midnight of the day on which the two years end
 * @returns {Promise<DemoMessage[]>}
 */
export async function demoMessages({ end, seed = 'nordlicht' }) {
  const spoken = conversationsUntil(seed, end);
  const letters = [
    ...spoken,
    ...answersByMachine(seed, end, spoken),
    ...(await forwardsOf(seed, end, spoken)),
    ...newslettersUntil(seed, end),
    ...talksUntil(seed, end),
    ...noiseUntil(seed, end),
  ];
  const answered = new Set(letters.flatMap(({ letter }) => letter.references?.at(-1) ?? []));
  const written = await Promise.all(
    letters.map(async ({ letter, folder, kinds }) => ({
      folder,
      kinds,
      flags: flagsOf(letter, folder, { answered, end }),
      internalDate: new Date(letter.date.getTime() + (folder === 'Sent' ? 0 : 3_000)),
      raw: await bytesOf(letter),
    })),
  );
  const all = [...written, ...(await misaddressed(seed, end)), ...odditiesUntil(seed, end)];
  return [...all, ...filedTwice(all)].sort((a, b) => a.internalDate.getTime() - b.internalDate.getTime());
}

/** @param {Letter} letter @param {string} folder @param {{answered: Set<string>, end: Date}} state */
function flagsOf(letter, folder, { answered, end }) {
  if (folder === 'Sent') return ['\\Seen'];
  const flags = answered.has(letter.messageId) ? ['\\Answered'] : [];
  const fresh = end.getTime() - letter.date.getTime() < 6 * dayMs;
  if (folder !== 'Junk' && (!fresh || flags.length > 0)) flags.push('\\Seen');
  if (diceOf(letter.messageId).between(1, 25) === 1) flags.push('\\Flagged');
  return flags;
}

/** Some mail lies in two folders: the same bytes. @param {DemoMessage[]} all @returns {DemoMessage[]} */
function filedTwice(all) {
  return all
    .filter(({ folder, kinds }) => folder === 'INBOX' && kinds.includes('attachment'))
    .slice(-4)
    .map((message) => ({ ...message, folder: 'Archive', kinds: [...message.kinds, 'same-bytes-two-folders'] }));
}
