import type { PageWindows } from '../db/timeline-read';
import { publicId } from '../domain/ids';

/** What a key may do. Each stands alone: `write` does not contain `read`. */
export const scopes = ['read', 'write', 'admin'] as const;
export type Scope = (typeof scopes)[number];

export type UserRole = 'admin' | 'manager' | 'member';

/** Who asks: the tenant itself, or one of its users. `principal` is that of `timeline`: -1 for the tenant; `teams` are those of the user's teams. */
export type Viewer = { tenantId: string; keyId: string; scopes: Scope[]; teams: number[]; windows?: PageWindows } & (
  { userId: null; principal: -1; role: null } | { userId: string; principal: number; role: UserRole }
);

/** Who acted, for the audit log: a user, or the key of the tenant. */
export function actorOf(viewer: Viewer): string {
  return viewer.userId === null ? publicId('apiKey', viewer.keyId) : publicId('user', viewer.userId);
}
