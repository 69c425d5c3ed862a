// @ts-check
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { projectDir } from '../lib/places.mjs';
import { fromSource } from './sources.mjs';

/**
 * Asks recheck about every pattern, and keeps those that are safe, so that tests need not ask again.
 * @param {import('../lib/terminal.mjs').Terminal} terminal
 * @returns {Promise<number>} the exit code
 */
export async function keepPatterns(terminal) {
  const { patternsOfSource, verdictOn } = fromSource('test/fuzz/patterns.ts');
  /** @type {{ literal: string, file: string }[]} */
  const patterns = patternsOfSource();
  /** @type {string[]} */
  const safe = [];
  await terminal.step('Patterns', async ({ progress }) => {
    for (const [index, { literal, file }] of patterns.entries()) {
      const verdict = await verdictOn(literal);
      if (verdict === 'safe') safe.push(literal);
      else terminal.line(`  ${file} ${literal}: ${verdict}`);
      progress(index + 1, patterns.length, 'patterns');
    }
  });
  writeFileSync(join(projectDir, 'test/fuzz/safe-patterns.json'), `${JSON.stringify(safe.sort(), null, 2)}\n`);
  terminal.line('The others need a reason in test/fuzz/patterns.test.ts.');
  return 0;
}
