// @ts-check
import { colleagues, correspondent, mara } from './company.mjs';
import { messageIdOf } from './conversations.mjs';
import { diceOf } from './dice.mjs';
import { inThread } from './letter.mjs';
import { paragraphs } from './letters.mjs';
import { shelf } from './shelf.mjs';
import { strangers } from './strangers.mjs';
import { talks } from './talks.mjs';
import { atWork, dayMs } from './working-days.mjs';

/** @typedef {import('./letter.mjs').Correspondent} Correspondent */
/** @typedef {{letter: import('./letter.mjs').Letter, folder: import('./letter.mjs').Folder, kinds: string[]}} Planned */
/** @typedef {import('./conversation.mjs').Conversation & {daysAgo: number, other: Correspondent, kind: string}} Talk */

const me = correspondent(mara);

/** Talks among colleagues, and with those who are leads, projects, tickets or brokers. @param {string} seed @param {Date} end @returns {Planned[]} */
export function talksUntil(seed, end) {
  const inside = talks.map((talk) => ({ ...talk, other: partnerOf(talk), kind: 'internal' }));
  const outside = strangers.map(({ who: [name = '', address = ''], ...talk }) => ({
    ...talk,
    other: { name, address },
    kind: 'letter',
  }));
  return [...inside, ...outside].flatMap((talk) => threadOf(talk, seed, end)).filter(({ letter }) => letter.date < end);
}

/** The colleague that Mara talks with. @param {import('./conversation.mjs').Conversation} talk */
function partnerOf({ steps }) {
  const names = new Set(steps.map(({ who }) => who));
  return correspondent(colleagues.find((person) => person !== mara && names.has(person.first.toLowerCase())) ?? mara);
}

/** @param {Talk} talk @param {string} seed @param {Date} end @returns {Planned[]} */
function threadOf({ daysAgo, subject, other, steps, kind }, seed, end) {
  const dice = diceOf(`${seed}/talk/${subject}`);
  const start = new Date(end.getTime() - daysAgo * dayMs);
  /** @type {Planned[]} */
  const planned = [];
  for (const { who, afterDays, text } of steps) {
    const mine = who === 'mara' || who === 'us';
    const previous = planned.at(-1)?.letter;
    const [from, to] = mine ? [me, other] : [other, me];
    const date = atWork(new Date(start.getTime() + afterDays * dayMs), previous?.date ?? new Date(0), dice);
    planned.push({
      folder: mine ? 'Sent' : shelf(date, end),
      kinds: [kind, ...(previous === undefined ? [] : ['reply'])],
      letter: {
        from,
        to: [to],
        ...inThread(previous, subject),
        date,
        messageId: messageIdOf(from.address, dice),
        text: paragraphs(text),
      },
    });
  }
  return planned;
}
