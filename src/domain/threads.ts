/** A message on its way into a thread: the hashes (hex) of its own id, of its references and of its provider's thread id. */
export interface ThreadCandidate {
  /** Any key of the caller's. */
  key: string;
  refs: readonly string[];
  /** The thread it is already in, where it has been recorded before. */
  threadId: string | null;
}

export interface ThreadAssignment {
  /** Thread of each candidate, by its key. */
  threadOf: Map<string, string>;
  /** Threads that did not exist before. */
  created: string[];
  /** Hashes to be written, with their thread; those already known in the right thread are left out. */
  refs: Map<string, string>;
  /** Threads that became one: loser -> winner. The older id wins, so that what people have linked keeps its id. */
  merged: Map<string, string>;
}

/**
 * Joins messages that share a reference (RFC 5322 3.6.4), directly or through others, in any order of arrival.
 * `known` maps hashes to the threads they stand in; `newId` gives ids that sort by time.
 */
export function assignThreads(
  candidates: readonly ThreadCandidate[],
  known: ReadonlyMap<string, string>,
  newId: () => string,
): ThreadAssignment {
  const groups = new Groups();
  for (const candidate of candidates) {
    const node = `message ${candidate.key}`;
    groups.add(node);
    if (candidate.threadId !== null) groups.join(node, threadNode(candidate.threadId));
    for (const ref of candidate.refs) {
      groups.join(node, `ref ${ref}`);
      const thread = known.get(ref);
      if (thread !== undefined) groups.join(node, threadNode(thread));
    }
  }
  return nameGroups(groups, { candidates, known, newId });
}

const threadNode = (threadId: string) => `thread ${threadId}`;

function nameGroups(
  groups: Groups,
  from: { candidates: readonly ThreadCandidate[]; known: ReadonlyMap<string, string>; newId: () => string },
): ThreadAssignment {
  const winners = new Map<string, string>();
  const assignment: ThreadAssignment = { threadOf: new Map(), created: [], refs: new Map(), merged: new Map() };
  const threads = groups.nodes().flatMap((node) => (node.startsWith('thread ') ? [node.slice('thread '.length)] : []));
  for (const thread of threads.sort()) {
    const root = groups.root(threadNode(thread));
    const winner = winners.get(root);
    if (winner === undefined) winners.set(root, thread);
    else assignment.merged.set(thread, winner);
  }
  for (const candidate of from.candidates) {
    const root = groups.root(`message ${candidate.key}`);
    let thread = winners.get(root);
    if (thread === undefined) {
      thread = from.newId();
      winners.set(root, thread);
      assignment.created.push(thread);
    }
    assignment.threadOf.set(candidate.key, thread);
    for (const ref of candidate.refs) if (from.known.get(ref) !== thread) assignment.refs.set(ref, thread);
  }
  return assignment;
}

/** Disjoint sets with path halving. */
class Groups {
  private readonly parent = new Map<string, string>();

  add(node: string): void {
    if (!this.parent.has(node)) this.parent.set(node, node);
  }

  nodes(): string[] {
    return [...this.parent.keys()];
  }

  root(node: string): string {
    this.add(node);
    let at = node;
    for (;;) {
      const up = this.parent.get(at) ?? at;
      if (up === at) return at;
      this.parent.set(at, this.parent.get(up) ?? up);
      at = up;
    }
  }

  join(one: string, other: string): void {
    this.parent.set(this.root(other), this.root(one));
  }
}
