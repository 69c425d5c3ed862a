// @ts-check

const firstWaitMs = 1_000;
const longestWaitMs = 30_000;
const steadyAfterMs = 60_000;

/**
 * Starts a process again whenever it ends by itself, later each time while it does not last.
 * @param {object} wish
 * @param {import('./processes.mjs').Running} wish.running
 * @param {() => Promise<import('./processes.mjs').Running>} wish.startAgain
 * @param {import('./processes.mjs').ProcessRecords} wish.records
 * @param {(line: string) => void} wish.say
 */
export function supervise({ running, startAgain, records, say }) {
  let waitMs = firstWaitMs;
  const watch = async (/** @type {import('./processes.mjs').Running} */ current) => {
    for (let now = current; ;) {
      const began = Date.now();
      const how = await now.ended;
      if (records.isClosing) return;
      waitMs = Date.now() - began > steadyAfterMs ? firstWaitMs : waitMs;
      say(`${now.name} has ended (${how}); starting it again in ${waitMs / 1_000} s`);
      records.remove(now.pid);
      const next = await again(startAgain, waitMs, records);
      waitMs = Math.min(longestWaitMs, waitMs * 2);
      if (next === null) return;
      say(`${next.name} runs again`);
      now = next;
    }
  };
  void watch(running);
}

/**
 * @param {() => Promise<import('./processes.mjs').Running>} startAgain
 * @param {number} waitMs
 * @param {import('./processes.mjs').ProcessRecords} records
 * @returns {Promise<import('./processes.mjs').Running | null>} null: everything is being ended
 */
async function again(startAgain, waitMs, records) {
  for (let next = waitMs; ; next = Math.min(longestWaitMs, next * 2)) {
    await new Promise((wake) => setTimeout(wake, next).unref());
    if (records.isClosing) return null;
    try {
      return await startAgain();
    } catch {
      // It could not start, which its log says; the next try comes later.
    }
  }
}
