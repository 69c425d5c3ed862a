// @ts-check
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What is only in the mail of the run: addresses, texts, names of folders, passwords. */
const content = /@chaos\.example|@customer\d*\.example|chaos-\d|Letter \d|Projekte|Angebote|changed-\d/;

/** A log line holds ids and never content, whatever fails. @param {string} logDir @returns {import('./compare.mjs').Violation[]} */
export function leaksIn(logDir) {
  return readdirSync(logDir).flatMap((name) => {
    const lines = readFileSync(join(logDir, name), 'utf8').split('\n');
    const leaking = lines.map((line, index) => ({ line, number: index + 1 })).filter(({ line }) => content.test(line));
    const [first] = leaking;
    if (first === undefined) return [];
    return [
      { kind: 'content-in-log', what: `${leaking.length} lines of ${name} hold content, the first is ${first.number}` },
    ];
  });
}
