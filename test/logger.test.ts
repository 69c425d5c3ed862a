import { PassThrough } from 'node:stream';

import { createLogger, temporalLoggerOf } from '../src/logger';

function logged(write: (log: ReturnType<typeof createLogger>) => void): Record<string, unknown> {
  const sink = new PassThrough();
  write(createLogger({ logLevel: 'debug' }, sink));
  return JSON.parse(String(sink.read())) as Record<string, unknown>;
}

test('a line is an event with a level and a time, about ids', () => {
  const line = logged((log) => log.child({ process: 'worker' }).info({ mailboxId: 'mbx_1' }, 'message stored'));
  expect(line).toMatchObject({ level: 'info', process: 'worker', mailboxId: 'mbx_1', msg: 'message stored' });
  expect(new Date(String(line['time'])).getTime()).toBeGreaterThan(0);
});

test('what is personal or secret is taken out of a line', () => {
  const line = logged((log) => {
    log.info({ password: 'marked', access: { password: 'marked', address: 'marked@x' }, subject: 'marked' }, 'slip');
  });
  expect(JSON.stringify(line)).not.toContain('marked');
});

test('an error is told by its class, code and place, never by its words', () => {
  const error = Object.assign(new TypeError('marked words of a library'), { code: 'EPIPE' });
  for (const line of [
    logged((log) => {
      log.error({ err: error }, 'failed');
    }),
    logged((log) => {
      log.error({ error }, 'failed');
    }),
  ]) {
    expect(JSON.stringify(line)).not.toContain('marked');
    expect(line['err'] ?? line['error']).toMatchObject({ type: 'TypeError', code: 'EPIPE' });
  }
});

test("Temporal's worker logs through ours, without the words of errors", () => {
  const line = logged((log) => {
    temporalLoggerOf(log).warn('Activity failed', { workflowId: 'mailbox/mbx_1', error: new Error('marked') });
  });
  expect(line).toMatchObject({ level: 'warn', part: 'temporal', workflowId: 'mailbox/mbx_1', msg: 'Activity failed' });
  expect(JSON.stringify(line)).not.toContain('marked');
});
