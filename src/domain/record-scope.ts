/** Who may see a record, and the mail at it that is not theirs anyway. Ids are UUIDs, each once, in order. */
export type RecordScope = { mode: 'all' } | { mode: 'restricted'; teamIds: string[]; userIds: string[] };

/** Seen by everybody in the tenant. */
export const openScope: RecordScope = { mode: 'all' };

/** The same for the same people, however they were listed. */
export function scopeText(scope: RecordScope): string {
  return scope.mode === 'all' ? 'all' : JSON.stringify([[...scope.teamIds].sort(), [...scope.userIds].sort()]);
}
