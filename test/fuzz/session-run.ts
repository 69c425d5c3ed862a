import { setTimeout as sleep } from 'node:timers/promises';

import type { SyncBench } from '../support/sync-bench';
import { Session, type SessionFinding } from './session';

export interface SessionRun {
  seed: string;
  from: number;
  to: number;
  bench: SyncBench;
  progress?: (done: number) => void;
}

export interface SessionRunResult {
  sessions: number;
  lies: number;
  longestMs: number;
  findings: SessionFinding[];
}

/** Most of the time of a session is waiting. */
const atOnce = 24;

/** A session has some rounds, each of which may wait for a server that answers nothing; no session waits for ever. */
const longestSessionMs = 600_000;

/** Plays the sessions with these numbers, some at the same time, and says what is wrong with how they went. */
export async function runSessions(run: SessionRun): Promise<SessionRunResult> {
  const result: SessionRunResult = { sessions: 0, lies: 0, longestMs: 0, findings: [] };
  let next = run.from;
  const playOneByOne = async (): Promise<void> => {
    while (next < run.to) {
      const number = next;
      next += 1;
      const began = performance.now();
      const { complaints, lies } = await playInTime(run, number);
      result.longestMs = Math.max(result.longestMs, performance.now() - began);
      result.sessions += 1;
      run.progress?.(result.sessions);
      result.lies += lies.length;
      const [complaint] = complaints;
      if (complaint !== undefined) result.findings.push({ number, complaint, lies });
    }
  };
  await Promise.all(Array.from({ length: atOnce }, playOneByOne));
  return result;
}

async function playInTime(run: SessionRun, number: number): Promise<Pick<Session, 'complaints' | 'lies'>> {
  const end = new AbortController();
  const late = sleep(
    longestSessionMs,
    { complaints: ['it has not come to its end'], lies: [] },
    { signal: end.signal },
  );
  try {
    return await Promise.race([play(run, number), late]);
  } finally {
    late.catch(() => undefined);
    end.abort();
  }
}

async function play({ bench, seed }: SessionRun, number: number, onlyLies?: ReadonlySet<number>): Promise<Session> {
  const session = await Session.begin({ bench, seed, number, ...(onlyLies === undefined ? {} : { onlyLies }) });
  try {
    await session.play();
  } finally {
    await session.end();
  }
  return session;
}

/** The same finding with as few lies as it takes: each is left out in turn, and stays out where the complaint stays. */
export async function fewestLies(run: SessionRun, finding: SessionFinding): Promise<SessionFinding> {
  const kind = (complaint: string): string => complaint.split(':')[0] ?? '';
  let least = finding;
  for (const { number } of finding.lies) {
    const onlyLies = new Set(least.lies.map((lie) => lie.number).filter((one) => one !== number));
    const again = await play(run, finding.number, onlyLies);
    const complaint = again.complaints.find((one) => kind(one) === kind(finding.complaint));
    if (complaint !== undefined) least = { ...finding, complaint, lies: again.lies };
  }
  return least;
}
