// @ts-check
/** @typedef {{title: string, width: number, grows: number}} Column `width` at least, and its share of what is left */

// Chinese, Japanese and Korean letters take two places (Unicode UAX 11); marks that stand on a letter take none.
const wide =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}]/u;

/** Places of a text on the terminal. @param {string} text */
function widthOf(text) {
  let places = 0;
  for (const letter of text) places += placesOf(letter);
  return places;
}

/** @param {string} letter */
function placesOf(letter) {
  if (/\p{M}/u.test(letter)) return 0;
  return wide.test(letter) ? 2 : 1;
}

/** A text without control characters, at most so wide; what is cut ends in an ellipsis. @param {string} text @param {number} width */
export function cut(text, width) {
  const plain = text.replace(/\p{C}+/gu, ' ');
  if (widthOf(plain) <= width) return plain;
  let kept = '';
  let places = 0;
  for (const letter of plain) {
    places += placesOf(letter);
    if (places > width - 1) break;
    kept += letter;
  }
  return `${kept}…`;
}

/** @param {string} text @param {number} width */
function padded(text, width) {
  const kept = cut(text, width);
  return kept + ' '.repeat(Math.max(0, width - widthOf(kept)));
}

/**
 * A table no wider than the terminal. Where it is too narrow for all columns the last ones are left out.
 * @param {Column[]} columns @param {string[][]} rows @param {number} width
 * @returns {string[]}
 */
export function table(columns, rows, width) {
  const gap = 2;
  const shown = [...columns];
  const needed = () => shown.reduce((sum, column) => sum + column.width + gap, 0);
  while (shown.length > 1 && needed() > width) shown.pop();
  const spare = Math.max(0, width - needed());
  const shares = shown.reduce((sum, { grows }) => sum + grows, 0);
  const widths = shown.map((column) => column.width + (shares === 0 ? 0 : Math.floor((spare * column.grows) / shares)));
  const line = (/** @type {string[]} */ cells) =>
    `  ${widths.map((one, index) => padded(cells[index] ?? '', one)).join('  ')}`.trimEnd();
  return [
    line(shown.map(({ title }) => title)),
    `  ${widths.map((one) => '─'.repeat(one)).join('  ')}`,
    ...rows.map(line),
  ];
}

/** @param {string} title @param {string[]} rows @param {number} width at most */
export function boxed(title, rows, width) {
  const inner = Math.min(width - 6, Math.max(widthOf(title) + 2, ...rows.map(widthOf)));
  return [
    `  ┌─ ${title} ${'─'.repeat(Math.max(0, inner - widthOf(title) - 1))}┐`,
    ...rows.map((row) => `  │ ${padded(row, inner)} │`),
    `  └${'─'.repeat(inner + 2)}┘`,
  ];
}
