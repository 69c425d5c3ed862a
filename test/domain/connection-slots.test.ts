import { connectionPurposes, connectionsAtMost, slotsOf } from '../../src/domain/connection-slots';
import { providerPresets } from '../../src/domain/provider-presets';

const slotsOfAll = (most: number) => new Set(connectionPurposes.flatMap((purpose) => slotsOf(purpose, most)));

test.each(providerPresets.map((preset) => [preset.provider, preset.imap.host, preset.connections.use] as const))(
  'all that connects to %s (%s) together has no more slots than are published: %d',
  (_provider, _host, use) => {
    expect(slotsOfAll(use).size).toBe(use);
  },
);

test.each([1, 2, 3, 4, 8])('where %d connections are wished for, as many are used, and three at least', (most) => {
  expect(slotsOfAll(most).size).toBe(connectionsAtMost(most));
  expect(connectionsAtMost(most)).toBe(Math.max(3, most));
});

test('who watches, makes a round and imports has a slot of its own each', () => {
  const own = (['watch', 'sync', 'import'] as const).map((purpose) => slotsOf(purpose, 3)[0]);
  expect(new Set(own).size).toBe(3);
});
