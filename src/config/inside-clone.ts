import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Whether an absolute path, which need not exist yet, lies inside the work tree of a git repository. */
export function insideClone(path: string): boolean {
  // A file in a linked work tree or submodule, a directory in any other.
  if (existsSync(join(path, '.git'))) return true;
  const parent = dirname(path);
  return parent !== path && insideClone(parent);
}
