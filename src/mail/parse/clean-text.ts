// With the flag u, a surrogate in a class stands for one that has no partner.
const unstorable = /[\0\ud800-\udfff]/gu;

/** Without NUL and lone surrogates, which Postgres and JSON refuse. */
export function cleanText(text: string): string {
  return text.replace(unstorable, '');
}

/** The first characters of a text, at most `maxCharacters` UTF-16 units, without cutting a pair in two. */
export function cutText(text: string, maxCharacters: number): string {
  if (text.length <= maxCharacters) return text;
  const last = text.charCodeAt(maxCharacters - 1);
  return text.slice(0, last >= 0xd800 && last <= 0xdbff ? maxCharacters - 1 : maxCharacters);
}
