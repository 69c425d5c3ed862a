// @ts-check
import { dutch } from './letters-nl.mjs';
import { english } from './letters-en.mjs';
import { german } from './letters-de.mjs';
import { romanian } from './letters-ro.mjs';

/** @typedef {import('./company.mjs').Person} Person */
/** @typedef {import('./dice.mjs').Dice} Dice */
/** @typedef {import('./conversation.mjs').Conversation} Conversation */
/**
 * @typedef {object} Letters what people write in one language. In every text `{name}` is filled in and `[[one||another]]` is chosen from;
 * `paragraphs` says what line ends mean.
 * @property {string} locale
 * @property {(to: Person) => string} greeting
 * @property {string} closing
 * @property {(date: string, name: string) => string} quoted
 * @property {{title: string, from: string, date: string, subject: string, to: string}} forwarded
 * @property {string[]} products plural forms
 * @property {string} phone
 * @property {Conversation[]} conversations
 */

/** @type {Record<import('./company.mjs').Language, Letters>} */
export const lettersIn = { en: english, de: german, nl: dutch, ro: romanian };

/**
 * Chooses between the alternatives and fills in the facts.
 * @param {string} text @param {Record<string, string>} facts @param {Dice} dice @param {(days: number) => string} dayAfter
 */
export function written(text, facts, dice, dayAfter) {
  const chosen = text.replace(/\[\[(.*?)\]\]/gs, (_, choices) => dice.pick(String(choices).split('||')).trim());
  const filled = chosen
    .replace(/\{date([+-]\d+)\}/g, (_, days) => dayAfter(Number(days)))
    .replace(/\{(\w+)\}/g, (_, name) => {
      const fact = facts[name];
      if (fact === undefined) throw new Error(`A letter asks for {${name}}, which nobody knows.`);
      return fact;
    });
  return paragraphs(filled);
}

/** Paragraphs are parted by an empty line; a line stands alone where it begins with `- `, or the one before ends with ` /`. @param {string} text */
export function paragraphs(text) {
  const blocks = text.split(/\n[ \t]*\n/).map((block) =>
    block
      .split('\n')
      .map((line) => line.trim())
      .reduce((whole, line) => {
        if (whole.endsWith(' /')) return `${whole.slice(0, -2)}\n${line}`;
        return `${whole}${line.startsWith('- ') ? '\n' : ' '}${line}`;
      }, '')
      .replace(/ {2,}/g, ' ')
      .trim(),
  );
  return blocks.filter((block) => block !== '').join('\n\n');
}
