import { importScript } from '../support/import-script';

interface TerminalScript {
  barText: (state: { done: number; total: number; unit: string; elapsedMs: number }) => string;
  duration: (ms: number) => string;
}

let terminal: TerminalScript;

beforeAll(async () => {
  terminal = await importScript<TerminalScript>('scripts/lib/terminal.mjs');
});

test('a bar shows how much of what is done, how fast, and how long it still takes', () => {
  expect(terminal.barText({ done: 1_200, total: 4_800, unit: 'packages', elapsedMs: 4_000 })).toBe(
    '[#####...............] 1,200 of 4,800 packages · 300/s · 12 s left',
  );
});

test('the first twentieth says nothing about the time left', () => {
  const bar = (done: number) => terminal.barText({ done, total: 800, unit: 'packages', elapsedMs: 20_000 });
  expect(bar(39)).not.toContain('left');
  expect(bar(40)).toContain('6 min 20 s left');
});

test('an unknown amount is shown without a bar', () => {
  expect(terminal.barText({ done: 30, total: 0, unit: 'packages', elapsedMs: 10_000 })).toBe('30 packages · 3/s');
});

test('bytes are shown as megabytes', () => {
  expect(terminal.barText({ done: 5_000_000, total: 10_000_000, unit: 'bytes', elapsedMs: 2_000 })).toBe(
    '[##########..........] 5.0 MB of 10.0 MB · 2.5 MB/s · 2.0 s left',
  );
});

test.each([
  [420, '0.4 s'],
  [38_200, '38 s'],
  [320_000, '5 min 20 s'],
])('%d ms is %s', (ms, text) => {
  expect(terminal.duration(ms)).toBe(text);
});
