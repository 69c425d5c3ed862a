import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

import { check } from 'recheck';
import ts from 'typescript';

const projectDir = join(__dirname, '..', '..');

/** The parts of the source whose patterns meet what a stranger has written. */
const parts = ['mail', 'domain', 'crm', 'activities'];

/** A pattern of the source. */
export interface Pattern {
  /** As it stands there, with its slashes and flags. */
  literal: string;
  /** Where it stands first. */
  file: string;
}

/** Every pattern that is written as a literal in the parts of the source that touch mail, each once. */
export function patternsOfSource(): Pattern[] {
  const found = new Map<string, string>();
  forEachNode((node, file) => {
    if (ts.isRegularExpressionLiteral(node) && !found.has(node.text)) found.set(node.text, file);
  });
  return [...found].map(([literal, file]) => ({ literal, file }));
}

/** Files in which a pattern is put together from strings. */
export function filesThatMakePatterns(): string[] {
  const files = new Set<string>();
  forEachNode((node, file) => {
    if ((ts.isNewExpression(node) || ts.isCallExpression(node)) && node.expression.getText() === 'RegExp')
      files.add(file);
  });
  return [...files].sort();
}

function forEachNode(look: (node: ts.Node, file: string) => void): void {
  for (const part of parts) {
    for (const name of readdirSync(join(projectDir, 'src', part), { recursive: true, encoding: 'utf8' }).sort()) {
      if (!name.endsWith('.ts')) continue;
      const path = join(projectDir, 'src', part, name);
      const file = relative(projectDir, path);
      const visit = (node: ts.Node): void => {
        look(node, file);
        ts.forEachChild(node, visit);
      };
      visit(ts.createSourceFile(file, readFileSync(path, 'utf8'), ts.ScriptTarget.ES2023, true));
    }
  }
}

const longestCheckMs = 60_000;

/** What recheck says of a pattern: `safe` where no input takes more than linear time, else how much more. */
export async function verdictOn(literal: string): Promise<string> {
  const end = literal.lastIndexOf('/');
  const diagnostics = await check(literal.slice(1, end), literal.slice(end + 1), { timeout: longestCheckMs });
  if (diagnostics.status === 'safe') return 'safe';
  return diagnostics.status === 'vulnerable' ? diagnostics.complexity.summary : `unknown: ${diagnostics.error.kind}`;
}
