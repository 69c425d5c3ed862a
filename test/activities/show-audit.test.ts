import type { ActivityContext } from '../../src/activities/context';
import { differencesOf, showAudit, type AuditCounts } from '../../src/activities/show-audit';
import type { FolderAudit } from '../../src/db/ingest/audit-write';
import { until } from '../support/lifecycle-bench';

const told: AuditCounts[] = [];
const context = {
  engine: {
    showAudit: (_mailboxId: string, counts: AuditCounts) => {
      told.push(counts);
      return told.length === 1 ? Promise.reject(new Error('Temporal is away')) : Promise.resolve();
    },
  },
} as unknown as Pick<ActivityContext, 'engine'>;

test('an audit is shown when something is new, and no more when it has ended', async () => {
  const shown = showAudit(context, 'a mailbox', 5);
  await until(() => told.length === 1, 'the beginning');
  shown.counts.folders = 3;
  await until(() => told.length === 2, 'what is new');
  Object.assign(shown.counts, { compared: 1 });
  await until(() => told.length === 3, 'what is new');
  shown.end();
  shown.counts.compared = 2;
  expect(told.map(({ folders, compared }) => [folders, compared])).toEqual([
    [0, 0],
    [3, 0],
    [3, 1],
  ]);
});

test('differences are counted over all folders', () => {
  const folder = (audit: Partial<FolderAudit>) =>
    ({ missing: [], undelivered: [], extra: [], ended: [], verdict: 'complete', ...audit }) as unknown as FolderAudit;
  const audits = [
    folder({ missing: [1, 2], ended: [3], verdict: 'missing' }),
    folder({ extra: [4], verdict: 'not-provable' }),
    folder({}),
  ];
  expect(differencesOf(audits)).toEqual({ missing: 2, extra: 2, notProvable: 1 });
});
