// @ts-check
/** @typedef {'offer' | 'invoice' | 'report' | 'photo' | 'csv' | 'zip' | 'invitation'} Enclosure */
/**
 * @typedef {object} Step one letter
 * @property {string} who writes it: `us`, `them`, or a colleague's first name
 * @property {number} afterDays counted from the first letter
 * @property {Enclosure | null} enclosure
 * @property {string} text
 */
/** @typedef {{key: string, subject: string, steps: Step[]}} Conversation */

/**
 * A conversation as it is written down: `> who days enclosure` begins a letter, its words follow.
 * @param {string} key @param {string} subject @param {string} letters
 * @returns {Conversation}
 */
export function conversation(key, subject, letters) {
  const [, ...parts] = letters.split(/^\s*> /m);
  const steps = parts.map((part) => {
    const end = part.indexOf('\n');
    const [who = '', afterDays, enclosure = null] = part.slice(0, end).trim().split(' ');
    return {
      who,
      afterDays: Number(afterDays),
      enclosure: /** @type {Enclosure | null} */ (enclosure),
      text: part.slice(end + 1),
    };
  });
  return { key, subject, steps };
}
