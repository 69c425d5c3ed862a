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
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => counted(Number(name)) ?? []);
  const family = new Set([root]);
  for (let before = 0; before < family.size;) {
    before = family.size;
    for (const { pid, parent } of all) if (family.has(parent)) family.add(pid);
  }
  return all.filter(({ pid }) => family.has(pid)).reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0);
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

/** The middle of some numbers. @param {number[]} values */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? NaN)
    : ((sorted[middle - 1] ?? NaN) + (sorted[middle] ?? NaN)) / 2;
}
