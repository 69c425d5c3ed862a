/** What was waited for, or that the time was over first; what was begun goes on. */
export type Within<Answer> = { kind: 'answered'; answer: Answer } | { kind: 'still-running' };

/** Waits for an answer, but not longer than `timeoutMs`. Rejects only while it waits. */
export async function within<Answer>(answer: Promise<Answer>, timeoutMs: number): Promise<Within<Answer>> {
  let timer: NodeJS.Timeout | undefined;
  const timeOver = new Promise<Within<Answer>>((resolve) => {
    timer = setTimeout(() => {
      resolve({ kind: 'still-running' });
    }, timeoutMs);
  });
  try {
    return await Promise.race([answer.then((value) => ({ kind: 'answered' as const, answer: value })), timeOver]);
  } finally {
    clearTimeout(timer);
  }
}
