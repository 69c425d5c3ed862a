import { parseArgs } from 'node:util';

import { ConfigError } from './config';
import type { Limits } from './limits';

/** What a worker process does; each is a task queue. */
export const roles = ['sync', 'bulk', 'idle'] as const;
export type Role = (typeof roles)[number];

/**
 * The roles that a command line asks for: `--roles sync,bulk`; all of them where it says nothing.
 * @throws ConfigError for a role that is not there
 */
export function rolesOf(argv: readonly string[]): Role[] {
  const { values } = parseArgs({ args: argv.slice(2), options: { roles: { type: 'string' } }, strict: false });
  if (values.roles === undefined) return [...roles];
  const asked = String(values.roles)
    .split(',')
    .filter((role) => role !== '');
  const unknown = asked.find((role) => !isRole(role));
  if (unknown !== undefined || asked.length === 0) {
    throw new ConfigError(`--roles takes a list of ${roles.join(', ')}, but was given "${unknown ?? ''}".`);
  }
  return asked.filter(isRole);
}

function isRole(role: string): role is Role {
  return (roles as readonly string[]).includes(role);
}

/** How many workflows a worker of this role keeps in memory between their turns. Every mailbox has one of role `sync`. */
export function cachedWorkflowsOf(role: Role, limits: Pick<Limits, 'cachedWorkflows'>): number {
  return role === 'sync' ? limits.cachedWorkflows : 100;
}
