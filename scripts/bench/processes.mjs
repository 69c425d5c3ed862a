// @ts-check
import { readdirSync, readFileSync } from 'node:fs';

/** What Linux says of processes (proc(5)). */

const ticksPerSecond = 100;

/** @typedef {{pid: number, parent: number, cpuSeconds: number}} Counted */

/** @param {number} pid @returns {Counted | null} with the time of children that have ended */
function counted(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat
      .slice(stat.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number);
    const ticks = (fields[11] ?? 0) + (fields[12] ?? 0) + (fields[13] ?? 0) + (fields[14] ?? 0);
    return { pid, parent: fields[1] ?? 0, cpuSeconds: ticks / ticksPerSecond };
  } catch {
    return null;
  }
}

/** Seconds of CPU of a process and all its children, those that have ended as well. @param {number} root */
export function cpuSecondsOf(root) {
  return familyOf(root).reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0);
}

/** A process with all its descendants. @param {number} root @returns {Counted[]} */
export function familyOf(root) {
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => counted(Number(name)) ?? []);
  const family = new Set([root]);
  for (let before = 0; before < family.size;) {
    before = family.size;
    for (const { pid, parent } of all) if (family.has(parent)) family.add(pid);
  }
  return all.filter(({ pid }) => family.has(pid));
}

/** Seconds of CPU of some processes, by name. @param {Record<string, number>} pids @returns {Record<string, number>} */
export function cpuOf(pids) {
  return Object.fromEntries(Object.entries(pids).map(([name, pid]) => [name, cpuSecondsOf(pid)]));
}

/** What each has used between two looks. @param {Record<string, number>} before @param {Record<string, number>} after @returns {Record<string, number>} */
export function cpuBetween(before, after) {
  return Object.fromEntries(Object.entries(after).map(([name, seconds]) => [name, seconds - (before[name] ?? 0)]));
}

/** The memory of a process and its children in MB, what they share counted once (Pss of smaps_rollup). @param {number} root */
export function megabytesOf(root) {
  const kilobytes = familyOf(root).map(({ pid }) => {
    try {
      return Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? 0);
    } catch {
      return 0;
    }
  });
  return kilobytes.reduce((sum, one) => sum + one, 0) / 1024;
}

/** The most memory a process ever held, in MB; null where it is gone. @param {number} pid */
export function peakMegabytesOf(pid) {
  try {
    const kilobytes = /^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return kilobytes === undefined ? null : Number(kilobytes) / 1024;
  } catch {
    return null;
  }
}

/**
 * The spread of some times, each by its nearest rank.
 * @param {number[]} values
 */
export function spreadOf(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const rank = (/** @type {number} */ share) => sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? NaN;
  return { count: sorted.length, p50: rank(0.5), p95: rank(0.95), p99: rank(0.99), max: rank(1) };
}

/** The middle of some numbers. @param {number[]} values */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? NaN)
    : ((sorted[middle - 1] ?? NaN) + (sorted[middle] ?? NaN)) / 2;
}
