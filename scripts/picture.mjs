// @ts-check
// Runs a command as in a terminal and draws what it says, line by line at the time it said it, as an SVG that plays by itself:
// `node scripts/picture.mjs docs/arrival.svg "npm run deliver" -- node scripts/deliver.mjs`. The text is the command's own; the layout
// depends on nothing else.
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';

/** @typedef {{text: string, ms: number}} Line */

const [file = '', shown = '', , command = '', ...args] = process.argv.slice(2);
const placesWide = 112;
const letterWidth = 8.4;
const lineHeight = 20;
const margin = { left: 20, top: 56, bottom: 20 };
/** The command is read before its output comes. */
const headMs = 800;

if (file === '' || command === '') {
  process.stderr.write(
    'Say where to, what is shown as typed, and what to run: picture.mjs FILE "SHOWN" -- COMMAND ...\n',
  );
  process.exit(2);
}
const { lines, code } = await recorded();
if (code === 0) writeFileSync(file, drawn([{ text: `$ ${shown}`, ms: -headMs }, ...lines]));
else process.stderr.write(lines.map(({ text }) => `${text}\n`).join(''));
process.exitCode = code === 0 ? 0 : 1;

/** @returns {Promise<{lines: Line[], code: number | null}>} */
function recorded() {
  return new Promise((resolve, reject) => {
    const began = performance.now();
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    /** @type {Line[]} */
    const lines = [];
    let rest = '';
    child.stdout.on('data', (bytes) => {
      const ms = performance.now() - began;
      const whole = (rest + bytes.toString()).split('\n');
      rest = whole.pop() ?? '';
      lines.push(...whole.map((text) => ({ text, ms })));
    });
    child.once('error', reject);
    child.once('close', (code) => resolve({ lines, code }));
  });
}

/** @param {Line[]} all */
function drawn(all) {
  const [first = { text: '', ms: 0 }] = all;
  const width = Math.round(placesWide * letterWidth + 2 * margin.left);
  const height = margin.top + all.length * lineHeight + margin.bottom;
  const rows = all.map(({ text, ms }, index) => {
    const y = margin.top + index * lineHeight;
    const at = ((ms - first.ms) / 1_000).toFixed(2);
    return `<text class="line${classOf(text)}" style="animation-delay:${at}s" x="${margin.left}" y="${y}">${escaped(text)}</text>`;
  });
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escaped(`What ${shown} shows`)}">`,
    '<style>',
    'text { font: 14px ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; fill: #d7dce2; white-space: pre }',
    '.typed { fill: #8fd18f } .done { fill: #8fd18f } .result { fill: #ffd479; font-weight: bold }',
    '.line { animation: appear 0.01s both } @keyframes appear { from { opacity: 0 } }',
    '@media (prefers-reduced-motion: reduce) { .line { animation: none } }',
    '</style>',
    `<rect width="${width}" height="${height}" rx="8" fill="#1e2329"/>`,
    ...['#ff5f57', '#febc2e', '#28c840'].map(
      (color, index) => `<circle cx="${24 + index * 20}" cy="20" r="6" fill="${color}"/>`,
    ),
    ...rows,
    '</svg>',
  ].join('\n')}\n`;
}

/** @param {string} text */
function classOf(text) {
  if (text.startsWith('$ ')) return ' typed';
  if (/^\s*✓/.test(text)) return ' done';
  return /\d seconds from /.test(text) ? ' result' : '';
}

/** @param {string} text */
function escaped(text) {
  const cut = [...text].slice(0, placesWide).join('');
  return cut.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
