/** Before the id of a source, among the keys of a rematch: all its mail. No domain begins so. */
const sourceMark = '@!';

/** The key that stands for all mail of a source (UUID). */
export function sourceKey(sourceId: string): string {
  return `${sourceMark}${sourceId}`;
}

/** Whether a key in a statement is one of a source, and which: `id` is an expression. */
export const isSourceKey = (key: string) => `starts_with(${key}, '${sourceMark}')`;
export const sourceOfKey = (key: string) => `substr(${key}, ${String(sourceMark.length + 1)})::uuid`;
export const keyOfSource = (id: string) => `'${sourceMark}' || ${id}::text`;
