import { importScript } from '../support/import-script';

interface LyingServers {
  sessionsOf: (wish: { sessions: string | undefined; faults: number }) => number;
}

test.each([
  [40, undefined, 0],
  [999, undefined, 0],
  [1_000, undefined, 10_000],
  [1_000, '0', 0],
  [40, '25', 25],
])('a run of %s faults that is asked for %s sessions on lying servers plays %s', async (faults, sessions, played) => {
  const { sessionsOf } = await importScript<LyingServers>('scripts/chaos/lying-servers.mjs');
  expect(sessionsOf({ sessions, faults })).toBe(played);
});
