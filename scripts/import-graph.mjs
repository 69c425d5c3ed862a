// Draws docs/import-graph.svg: which part of src imports which, as dependency-cruiser sees it. `npm run docs:graph`.
import { writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';

import { instance } from '@viz-js/viz';
import { cruise } from 'dependency-cruiser';
import extractTSConfig from 'dependency-cruiser/config-utl/extract-ts-config';

const picture = 'docs/import-graph.svg';
const { options } = createRequire(import.meta.url)('../.dependency-cruiser.cjs');

/** `src/mail/parse/walk.ts` is part of `mail`; a file that lies in src itself is a part of its own. */
function partOf(path) {
  const [root, part, ...rest] = path.split('/');
  if (root !== 'src') return null;
  return rest.length === 0 ? part : `${part}/`;
}

/** Every pair of parts of which one imports the other: `value` where something of it runs, else `type`. */
function importsBetween(modules) {
  const imports = new Map();
  for (const module of modules) {
    for (const { resolved, dependencyTypes } of module.dependencies) {
      const [from, to] = [partOf(module.source), partOf(resolved)];
      if (from === null || to === null || from === to) continue;
      const key = JSON.stringify([from, to]);
      if (imports.get(key) !== 'value') imports.set(key, dependencyTypes.includes('type-only') ? 'type' : 'value');
    }
  }
  return [...imports].sort().map(([key, kind]) => [...JSON.parse(key), kind]);
}

function dotOf(imports) {
  const parts = new Set(imports.flatMap(([from, to]) => [from, to]));
  const nodes = [...parts].sort().map((part) => {
    const colour = part.endsWith('/') ? '#dbe7f6' : '#f6ead2';
    return `  "${part}" [fillcolor="${colour}"];`;
  });
  const edges = imports.map(
    ([from, to, kind]) => `  "${from}" -> "${to}" [style=${kind === 'type' ? 'dashed' : 'solid'}];`,
  );
  return `digraph imports {
  graph [bgcolor="#ffffff", pad=0.3, nodesep=0.35, ranksep=0.7, rankdir=TB];
  node [shape=box, style="filled,rounded", color="#4a5a70", fontname="Helvetica,Arial,sans-serif", fontsize=13];
  edge [color="#4a5a70", arrowsize=0.7];
${[...nodes, ...edges].join('\n')}
}`;
}

const { output } = await cruise(['src'], { ...options, ruleSet: undefined }, undefined, {
  tsConfig: extractTSConfig('tsconfig.json'),
});
const svg = (await instance()).renderString(dotOf(importsBetween(output.modules)), { format: 'svg' });
await writeFile(picture, svg.replace(/<!--[^]*?-->\s*/g, ''));
process.stdout.write(`${picture} is drawn.\n`);
