/** A folder as its last comparison left it. */
export interface ComparedFolder {
  folder: string;
  verdict: 'complete' | 'missing' | 'not-provable';
  missingCount: number;
  extraCount: number;
  endedCount: number;
  undeliveredCount: number;
}

const foldersNamed = 20;

/**
 * What keeps a mailbox from being complete, worst folder first: `3 in INBOX, Archive not provable`. Null where each folder is complete.
 * At most 20 folders are named.
 */
export function incompleteIn(folders: ComparedFolder[]): string | null {
  const incomplete = folders
    .filter(({ verdict }) => verdict !== 'complete')
    .map((folder) => ({ ...folder, count: differencesOf(folder) }))
    .sort((one, other) => other.count - one.count || one.folder.localeCompare(other.folder));
  if (incomplete.length === 0) return null;
  const named = incomplete
    .slice(0, foldersNamed)
    .map(({ folder, verdict, count }) =>
      verdict === 'missing' ? `${String(count)} in ${folder}` : `${folder} not provable`,
    );
  const more = incomplete.length - named.length;
  return more === 0 ? named.join(', ') : `${named.join(', ')}, and ${String(more)} folders more`;
}

function differencesOf({ missingCount, extraCount, endedCount, undeliveredCount }: ComparedFolder): number {
  return missingCount + extraCount + endedCount + undeliveredCount;
}
