import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { importScript } from '../support/import-script';

interface Records {
  takeOver: (options?: { graceMs?: number }) => Promise<string[]>;
  running: { pid: number }[];
}

interface Running {
  pid: number;
  stop: (graceMs?: number) => Promise<'ended' | 'killed'>;
  ended: Promise<string>;
}

interface Processes {
  ProcessRecords: new (file: string) => Records;
  startOf: (pid: number) => Promise<string | null>;
  startProcess: (wish: {
    name: string;
    command: string;
    args: string[];
    records: Records;
    logFile: string;
  }) => Promise<Running>;
}

const waitForever = 'setInterval(() => {}, 1000); console.log("up");';
const deaf = `process.on('SIGTERM', () => {}); ${waitForever}`;

let processes: Processes;
let folder: string;
let file: string;

beforeAll(async () => {
  processes = await importScript<Processes>('scripts/lib/processes.mjs');
});

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'letterbook-processes-'));
  file = join(folder, 'processes.json');
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A process as a start that was killed leaves it: running, recorded, its owner gone. */
async function leftover(script: string, startedAt?: string): Promise<number> {
  const child = spawn(process.execPath, ['-e', script], { detached: true, stdio: ['ignore', 'pipe', 'ignore'] });
  await new Promise((resolve) => child.stdout.once('data', resolve));
  const pid = child.pid ?? 0;
  const record = { name: 'server', pid, startedAt: startedAt ?? (await processes.startOf(pid)), endSignal: 'SIGTERM' };
  writeFileSync(file, JSON.stringify({ owner: { pid: 999_999_999, startedAt: 'gone' }, processes: [record] }));
  return pid;
}

test('what a killed start left running is ended by the next', async () => {
  const pid = await leftover(waitForever);
  expect(await new processes.ProcessRecords(file).takeOver()).toEqual(['server']);
  expect(await processes.startOf(pid)).toBeNull();
});

test('a leftover that does not obey is killed', async () => {
  const pid = await leftover(deaf);
  await new processes.ProcessRecords(file).takeOver({ graceMs: 200 });
  expect(await processes.startOf(pid)).toBeNull();
});

test('a process that has got a recorded id since is left alone', async () => {
  const pid = await leftover(waitForever, 'another-boot/12345');
  expect(await new processes.ProcessRecords(file).takeOver()).toEqual([]);
  expect(await processes.startOf(pid)).not.toBeNull();
  process.kill(pid, 'SIGKILL');
});

test('a second start on the same data is refused, and ends nothing', async () => {
  const pid = await leftover(waitForever);
  const owner = { pid: process.ppid, startedAt: await processes.startOf(process.ppid) };
  const recorded = JSON.parse(readFileSync(file, 'utf8')) as object;
  writeFileSync(file, JSON.stringify({ ...recorded, owner }));
  await expect(new processes.ProcessRecords(file).takeOver()).rejects.toThrow(
    `Letterbook is running already (process ${process.ppid}).`,
  );
  expect(await processes.startOf(pid)).not.toBeNull();
  process.kill(pid, 'SIGKILL');
});

test('half a record file is no reason to fail', async () => {
  writeFileSync(file, '{"owner": {"pi');
  expect(await new processes.ProcessRecords(file).takeOver()).toEqual([]);
});

test('a started process is recorded, and forgotten when it is stopped', async () => {
  const records = new processes.ProcessRecords(file);
  await records.takeOver();
  const logFile = join(folder, 'server.log');
  const running = await processes.startProcess({
    name: 'server',
    command: process.execPath,
    args: ['-e', waitForever],
    records,
    logFile,
  });
  expect(readFileSync(file, 'utf8')).toContain(`"pid":${running.pid}`);
  while (!existsSync(logFile) || readFileSync(logFile, 'utf8') === '')
    await new Promise((wake) => setTimeout(wake, 20));
  expect(await running.stop()).toBe('ended');
  expect(readFileSync(file, 'utf8')).not.toContain(`"pid":${running.pid}`);
  expect(await running.ended).toBe('signal SIGTERM');
});

test('a program that is not there is a sentence, not a crash', async () => {
  const records = new processes.ProcessRecords(file);
  const wish = { name: 'Postgres', command: join(folder, 'nothing'), args: [], records, logFile: join(folder, 'log') };
  await expect(processes.startProcess(wish)).rejects.toThrow('Postgres cannot be started');
});
