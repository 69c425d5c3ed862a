/**
 * How fast a long job has been, kept in its row so that a worker's restart loses nothing of it. Times are milliseconds; `activeMs` counts
 * only time in which somebody worked, so that a pause, an outage or a dead worker does not slow the rate down.
 */
export interface Track {
  activeMs: number;
  /** Until when `activeMs` has been counted, by the clock of the database. */
  lastAt: number;
  /** The share, from 0 to 1, that was shown when the total last changed, and how much was done then. */
  floor: number;
  floorDone: number;
  /** [activeMs, done], oldest first. */
  samples: [number, number][];
  /** The folder generation that was worked on last, and how much was done without it; null where that is not known. */
  genId: number | null;
  genFrom: number | null;
  /** [genId, done] of other generations that are begun and not finished. */
  begun: [number, number][];
}

/** What a job has come to. `at` is by the clock of the database, in milliseconds. */
export interface Point {
  at: number;
  done: number;
}

/** A job that nobody has worked on yet. */
export const newTrack: Track = {
  ...{ activeMs: 0, lastAt: 0, floor: 0, floorDone: 0, samples: [] },
  ...{ genId: null, genFrom: null, begun: [] },
};

/** A gap up to this is work that goes on, not a standstill. */
const sameWorkMs = 5_000;
/** Shorter than this is not worth a row. */
const tickMs = 1_000;
const minWindowMs = 120_000;
const windowShare = 1 / 2;
/** So many samples are kept of a window. */
const samplesPerWindow = 40;
/** Nothing for so long: how fast it goes cannot be said. */
const standstillMs = 60_000;

/** Somebody begins to work, for the first time or again: the time since the last work does not count. */
export function workBegan(track: Track, point: Point): Track {
  if (track.samples.length > 0 && point.at - track.lastAt <= sameWorkMs) return track;
  // What was done in the last second before a standstill, and not noted, counts without its time.
  const samples = withSample(track, [track.activeMs, point.done]);
  return { ...track, lastAt: point.at, samples };
}

/** Work has gone on. Returns the same track where there is nothing to note yet. */
export function workWentOn(track: Track, point: Point & { genId: number }): Track {
  if (track.samples.length === 0) return { ...workBegan(track, point), genId: point.genId };
  const spent = point.at - track.lastAt;
  if (spent < tickMs && track.genId === point.genId) return track;
  const activeMs = track.activeMs + Math.max(0, spent);
  const moved: Track = { ...track, activeMs, lastAt: Math.max(point.at, track.lastAt), genId: point.genId };
  const newest = track.samples.at(-1)?.[0] ?? 0;
  if (activeMs - newest < windowOf(activeMs) / samplesPerWindow) return moved;
  return { ...moved, samples: withSample(moved, [activeMs, point.done]) };
}

/** There is more to do than was known, or less: the share that was shown is not taken back, the rest is divided anew. */
export function totalChanged(track: Track, { done, total }: { done: number; total: number }): Track {
  return { ...track, floor: shareOf(track, { done, total: Math.max(total, done) }), floorDone: done };
}

/** The next that is done after `done` is of this generation. Returns the same track where the last was too. */
export function takenUp(track: Track, { genId, done }: { genId: number; done: number }): Track {
  if (track.genId === genId && track.genFrom !== null) return track;
  const begun = allBegun(track, done).filter(([id]) => id !== genId);
  return { ...track, genId, genFrom: done - doneOf(track, { genId, done }), begun };
}

/** How much was done of a generation, since it was last left or finished. */
export function doneOf(track: Track, { genId, done }: { genId: number; done: number }): number {
  return new Map(allBegun(track, done)).get(genId) ?? 0;
}

/** These generations are finished, or will not be. Returns the same track where none of them was begun. */
export function leftBehind(track: Track, genIds: number[]): Track {
  const begun = track.begun.filter(([id]) => !genIds.includes(id));
  if (track.genId !== null && genIds.includes(track.genId)) return { ...track, genId: null, genFrom: null, begun };
  return begun.length === track.begun.length ? track : { ...track, begun };
}

function allBegun({ genId, genFrom, begun }: Track, done: number): [number, number][] {
  return genId === null || genFrom === null ? begun : [...begun, [genId, done - genFrom]];
}

function withSample({ samples, activeMs }: Track, sample: [number, number]): [number, number][] {
  const from = activeMs - windowOf(activeMs);
  // One before the window is kept, so that it is measured over its whole length.
  const first = samples.findLastIndex(([at]) => at <= from);
  const kept = samples.slice(Math.max(0, first));
  return kept.at(-1)?.[0] === sample[0] ? [...kept.slice(0, -1), sample] : [...kept, sample];
}

function windowOf(activeMs: number): number {
  return Math.max(minWindowMs, activeMs * windowShare);
}

function shareOf({ floor, floorDone }: Track, { done, total }: { done: number; total: number }): number {
  const left = total - floorDone;
  // All that was known is done or gone, and there may be more to come.
  if (left <= 0) return floor;
  return Math.min(1, Math.max(floor, floor + ((1 - floor) * (done - floorDone)) / left));
}

/** How far a job is, as a person is shown it. */
export interface Progress {
  known: number;
  done: number;
  /** From 0 to 100 with one decimal; never less than it was. */
  percent: number;
  /** Things a second; null where it cannot be said. */
  rate: number | null;
  etaSeconds: number | null;
}

/** What is shown of a job at a moment. `total` may change while it runs, `done` never shrinks. */
export function progressOf(job: { track: Track; done: number; total: number; at: number }): Progress {
  const { track, done, at } = job;
  const known = Math.max(job.total, done);
  const percent = Math.floor(shareOf(track, { done, total: known }) * 1_000) / 10;
  const rate = rateOf(track, done);
  const idleMs = Math.max(0, at - track.lastAt);
  if (rate === null || idleMs > standstillMs) return { known, done, percent, rate: null, etaSeconds: null };
  const seconds = (known - done) / rate - idleMs / 1_000;
  return { known, done, percent, rate, etaSeconds: done === known ? 0 : Math.max(1, Math.ceil(seconds)) };
}

/** Over the window that ends with the last work. */
function rateOf({ samples, activeMs }: Track, done: number): number | null {
  const from = activeMs - windowOf(activeMs);
  const first = samples.findLast(([at]) => at <= from) ?? samples[0];
  if (first === undefined) return null;
  const seconds = (activeMs - first[0]) / 1_000;
  const went = done - first[1];
  return seconds >= tickMs / 1_000 && went > 0 ? went / seconds : null;
}
