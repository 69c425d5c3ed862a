import { readConfig } from '../../src/config/config';
import { defaultLimits } from '../../src/config/limits';
import { cachedWorkflowsOf } from '../../src/config/roles';

const limitsWith = (env: NodeJS.ProcessEnv) =>
  readConfig({
    DATABASE_URL: 'postgres://user@127.0.0.1/any',
    LETTERBOOK_SECRET_KEYS: `k1:${Buffer.alloc(32).toString('base64')}`,
    ...env,
  }).limits;

test('a worker of role sync keeps 5,000 workflows in memory, or as many as it is told; other roles have few at a time', () => {
  expect(cachedWorkflowsOf('sync', defaultLimits)).toBe(5_000);
  const told = limitsWith({ LETTERBOOK_CACHED_WORKFLOWS: '1' });
  expect(['sync', 'bulk', 'idle'].map((role) => cachedWorkflowsOf(role as 'sync', told))).toEqual([1, 100, 100]);
  expect(() => limitsWith({ LETTERBOOK_CACHED_WORKFLOWS: '0' })).toThrow('LETTERBOOK_CACHED_WORKFLOWS');
});
