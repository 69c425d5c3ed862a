import { auditFolders } from '../../src/activities/audit-folders';
import { closeFolder } from '../../src/db/ingest/generation-write';
import { recordBatch } from '../../src/db/ingest/record-batch';
import { newUuid } from '../../src/db/new-id';
import { startDueAudits } from '../../src/activities/reconcile/audits';
import { beginAudit, beginDueAudit, dueAudits, noteAuditTried } from '../../src/db/sync/audits-due';
import { mailboxForSync } from '../../src/db/sync/mailbox-for-sync';
import { auditOf as auditAsked } from '../support/audit-of';
import type { Mailbox, OpenFolder } from '../../src/mail/mailbox';
import { presences } from '../../src/domain/ledger';
import { sharedDovecot } from '../support/dovecot';
import { mail } from '../support/mail-factory';
import { createSyncBench, type SyncBench, type TestMailbox } from '../support/sync-bench';

let bench: SyncBench;

beforeAll(async () => {
  bench = await createSyncBench(sharedDovecot().imapPort);
});

afterAll(async () => {
  await bench.close();
});

const auditOf = (mailbox: TestMailbox) => auditAsked(bench, mailbox);

test('an audit that compared has ended its operation', async () => {
  const mailbox = await bench.connect();
  await mailbox.person.append('INBOX', mail({ subject: 'there' }));
  await mailbox.syncAll();
  expect(await auditOf(mailbox)).toEqual({ kind: 'done', state: 'done', error: null, ended: true });
});

test('an audit that runs says so, and keeps when it began', async () => {
  const mailbox = await provenMailbox();
  const { operationId } = await beginDueAudit(bench.database.db, mailbox);
  const operation = () =>
    rowsOf<{ state: string; lasted: boolean }>(
      mailbox,
      'SELECT state, coalesce(finished_at > started_at, false) AS lasted FROM operation WHERE id = $1',
      [operationId],
    );
  expect(await operation()).toEqual([{ state: 'waiting', lasted: false }]);
  await beginAudit(bench.database.db, { ...mailbox, operationId });
  expect(await operation()).toEqual([{ state: 'running', lasted: false }]);
  const run = { signal: new AbortController().signal, heartbeat: () => undefined };
  await auditFolders(bench.context, run, { ...mailbox, operationId });
  expect(await operation()).toEqual([{ state: 'done', lasted: true }]);
});

test('an audit that does not reach the server has failed, with the kind and the code', async () => {
  const unused = 1;
  const mailbox = await bench.connect({ port: unused, withoutPerson: true });
  const error = { kind: 'unreachable', code: 'port-closed' };
  expect(await auditOf(mailbox)).toEqual({ kind: 'retry', state: 'failed', error, ended: true });
});

test('an audit that does not reach the server leaves the state of the mailbox to its rounds', async () => {
  const mailbox = await provenMailbox();
  const stateOf = () =>
    rowsOf<{ state: string }>(mailbox, 'SELECT state, state_reason, failed_rounds, last_error FROM mailbox');
  const before = await stateOf();
  expect(before).toMatchObject([{ state: 'live' }]);
  await rowsOf(mailbox, `UPDATE mailbox SET imap = jsonb_set(imap, '{port}', '1') RETURNING 1`);
  expect(await auditOf(mailbox)).toMatchObject({ kind: 'retry', state: 'failed' });
  expect(await stateOf()).toEqual(before);
  expect((await mailbox.round()).kind).toBe('retry');
  expect(await stateOf()).toMatchObject([{ state: 'backing-off', failed_rounds: 1 }]);
});

test('an audit of a mailbox that is no more has failed', async () => {
  const mailbox = await bench.connect();
  await bench.database.db.inTenant(mailbox.tenantId, (sql) =>
    sql.execute('UPDATE source SET deleted_at = now() WHERE id = $1', [mailbox.mailboxId]),
  );
  const error = { code: 'superseded' };
  expect(await auditOf(mailbox)).toEqual({ kind: 'superseded', state: 'failed', error, ended: true });
});

test('a mailbox with a folder that was never listed is not proven complete', async () => {
  const mailbox = await bench.connect();
  await mailbox.syncAll();
  await mailbox.person.createFolder('Appeared since');
  expect(await auditOf(mailbox)).toMatchObject({ kind: 'done', state: 'done' });
  const { db } = bench.database;
  const audits = await db.inTenant(mailbox.tenantId, (sql) =>
    sql.query<{ path: string; verdict: string; reason: string | null }>(
      `SELECT f.path, a.verdict, a.reason FROM folder_audit a JOIN folder f ON f.id = a.folder_id WHERE a.verdict <> 'complete'`,
    ),
  );
  expect(audits).toEqual([{ path: 'Appeared since', verdict: 'not-provable', reason: 'never-listed' }]);
  const [row] = await db.inTenant(mailbox.tenantId, (sql) =>
    sql.query<{ flags: string[]; last_proven_at: Date | null }>('SELECT flags, last_proven_at FROM mailbox'),
  );
  expect(row).toEqual({ flags: ['incomplete'], last_proven_at: null });
});

const rowsOf = <Row extends object>({ tenantId }: TestMailbox, text: string, values: unknown[] = []) =>
  bench.database.db.inTenant(tenantId, (sql) => sql.query<Row>(text, values));

const findingsOf = (mailbox: TestMailbox) =>
  rowsOf<{ kind: string; uids: number[]; healed: boolean }>(
    mailbox,
    'SELECT kind, uids, healed_at IS NOT NULL AS healed FROM audit_finding ORDER BY found_at, kind',
  );

const flagsOf = async (mailbox: TestMailbox) =>
  (await rowsOf<{ flags: string[] }>(mailbox, 'SELECT flags FROM mailbox'))[0]?.flags;

/** Three messages in the INBOX, all in the ledger and proven. */
async function provenMailbox(): Promise<TestMailbox> {
  const mailbox = await bench.connect();
  for (const subject of ['one', 'two', 'three']) await mailbox.person.append('INBOX', mail({ subject }));
  await mailbox.syncAll();
  await auditOf(mailbox);
  expect(await flagsOf(mailbox)).toEqual([]);
  return mailbox;
}

describe('a difference', () => {
  test.each([
    ['missing', 'DELETE FROM placement WHERE uid = 2'],
    ['ended-but-alive', 'UPDATE placement SET presence = 2, presence_at = recorded_at WHERE uid = 2'],
  ])('%s is found, heals with the next round, and leaves a record', async (kind, damage) => {
    const mailbox = await provenMailbox();
    await rowsOf(mailbox, `${damage} RETURNING 1`);
    await auditOf(mailbox);
    expect(await flagsOf(mailbox)).toEqual(['incomplete']);
    expect(await findingsOf(mailbox)).toEqual([{ kind, uids: [2], healed: false }]);
    await mailbox.round();
    expect((await mailbox.ledger()).map(({ uid, outcome, presence }) => [uid, outcome, presence])).toEqual([
      [1, 2, 1],
      [2, 2, 1],
      [3, 2, 1],
    ]);
    expect(await flagsOf(mailbox)).toEqual(['incomplete']);
    await auditOf(mailbox);
    expect(await flagsOf(mailbox)).toEqual([]);
    expect(await findingsOf(mailbox)).toEqual([{ kind, uids: [2], healed: true }]);
  });

  test.each(['closes the folder', 'records its last batch'])(
    'is looked at by the next round also where a round that was under way %s after the audit',
    async (how) => {
      const mailbox = await provenMailbox();
      const { db } = bench.database;
      const underWay = await mailboxForSync(db, mailbox);
      if (underWay === null) throw new Error('no mailbox');
      const [generation] = await rowsOf<{ id: number; uidnext: string; modseq: string; exists_count: number }>(
        mailbox,
        `SELECT g.id, g.uidnext, g.modseq, g.exists_count FROM folder_generation g
         JOIN folder f ON f.id = g.folder_id WHERE f.path = 'INBOX'`,
      );
      if (generation === undefined) throw new Error('no INBOX');
      const { id: genId, uidnext, modseq: highestModseq, exists_count: messages } = generation;
      const snapshot = { uidValidity: '1', uidNext: Number(uidnext), highestModseq, messages };
      await rowsOf(mailbox, 'DELETE FROM placement WHERE uid = 2 RETURNING 1');
      await auditOf(mailbox);
      if (how === 'closes the folder') {
        await closeFolder(db, underWay, { genId, snapshot, history: 0, presence: 'settled' });
      } else {
        const versions = { parser: bench.context.parserVersion, code: 'test' };
        await recordBatch(db, underWay, { genId, items: [], cursor: snapshot, part: 'live', versions });
      }
      await mailbox.round();
      expect((await mailbox.ledger()).map(({ uid }) => uid)).toEqual([1, 2, 3]);
      await auditOf(mailbox);
      expect(await flagsOf(mailbox)).toEqual([]);
    },
  );

  test('extra is found, and ends with the next round', async () => {
    const mailbox = await provenMailbox();
    await rowsOf(
      mailbox,
      `INSERT INTO placement (gen_id, uid, tenant_id, source_id, outcome, recorded_at)
       SELECT gen_id, 99, tenant_id, source_id, 3, now() - interval '1 hour' FROM placement WHERE uid = 1 RETURNING 1`,
    );
    await auditOf(mailbox);
    expect(await findingsOf(mailbox)).toEqual([{ kind: 'extra', uids: [99], healed: false }]);
    await mailbox.round();
    await auditOf(mailbox);
    expect(await findingsOf(mailbox)).toEqual([{ kind: 'extra', uids: [99], healed: true }]);
    expect(await flagsOf(mailbox)).toEqual([]);
  });

  test('after which it is compared again soon, and then the more seldom the longer it lasts', async () => {
    const mailbox = await provenMailbox();
    const dueIn = async () =>
      (
        await rowsOf<{ minutes: number; cause: string }>(
          mailbox,
          'SELECT (extract(epoch FROM audit_due_at - now()) / 60)::float8 AS minutes, audit_cause AS cause FROM mailbox',
        )
      )[0];
    expect(await dueIn()).toMatchObject({ cause: 'daily' });
    expect((await dueIn())?.minutes).toBeGreaterThan(21 * 60);
    await rowsOf(mailbox, 'DELETE FROM placement WHERE uid = 2 RETURNING 1');
    await auditOf(mailbox);
    expect(await dueIn()).toMatchObject({ cause: 'again' });
    expect((await dueIn())?.minutes).toBeLessThan(11);
    await rowsOf(mailbox, `UPDATE audit_finding SET found_at = now() - interval '3 hours' RETURNING 1`);
    await auditOf(mailbox);
    expect((await dueIn())?.minutes).toBeGreaterThan(170);
  });
});

describe('an incomplete mailbox', () => {
  const hoursUntilDue = async (mailbox: TestMailbox) => {
    const [row] = await rowsOf<{ hours: number }>(
      mailbox,
      'SELECT (extract(epoch FROM audit_due_at - now()) / 3600)::float8 AS hours FROM mailbox',
    );
    return row?.hours ?? NaN;
  };

  /** Two audits have found what is wrong, the first three hours before the second. */
  const foundForLong = async (mailbox: TestMailbox) => {
    await auditOf(mailbox);
    await rowsOf(
      mailbox,
      `UPDATE audit_finding SET found_at = now() - interval '3 hours' WHERE healed_at IS NULL RETURNING 1`,
    );
    await auditOf(mailbox);
    expect(await hoursUntilDue(mailbox)).toBeGreaterThan(2.5);
  };

  const extraRow = `INSERT INTO placement (gen_id, uid, tenant_id, source_id, outcome, recorded_at)
    SELECT gen_id, 99, tenant_id, source_id, 3, now() - interval '1 hour' FROM placement WHERE uid = 1`;

  test.each([
    ['missing', 'DELETE FROM placement WHERE uid = 2'],
    ['ended-but-alive', 'UPDATE placement SET presence = 2, presence_at = recorded_at WHERE uid = 2'],
    ['extra', extraRow],
  ])(
    'whose difference, %s, a round has put right is compared at once, however long it has lasted',
    async (_, damage) => {
      const mailbox = await provenMailbox();
      await rowsOf(mailbox, `${damage} RETURNING 1`);
      await foundForLong(mailbox);
      await mailbox.round();
      expect(await hoursUntilDue(mailbox)).toBeLessThanOrEqual(0);
      await auditOf(mailbox);
      expect(await flagsOf(mailbox)).toEqual([]);
    },
  );

  test('whose missing message has gone meanwhile is compared at once', async () => {
    const mailbox = await provenMailbox();
    await rowsOf(mailbox, 'DELETE FROM placement WHERE uid = 2 RETURNING 1');
    await foundForLong(mailbox);
    await mailbox.person.expunge('INBOX', [2]);
    await mailbox.round();
    expect(await hoursUntilDue(mailbox)).toBeLessThanOrEqual(0);
  });

  test('is compared at once where a round has put it right before its audit has ended', async () => {
    const mailbox = await provenMailbox();
    await rowsOf(mailbox, 'DELETE FROM placement WHERE uid = 2 RETURNING 1');
    await foundForLong(mailbox);
    const { connections } = bench.context;
    const context: SyncBench['context'] = {
      ...bench.context,
      connections: {
        ...connections,
        use: async (use, work) => {
          const compared = await connections.use(use, work);
          if (use.purpose === 'audit') await mailbox.round();
          return compared;
        },
      },
    };
    await auditAsked({ ...bench, context }, mailbox);
    expect(await hoursUntilDue(mailbox)).toBeLessThanOrEqual(0);
  });

  test('one of whose differences is still there keeps its pauses, whatever rounds record', async () => {
    const mailbox = await provenMailbox();
    await rowsOf(mailbox, 'UPDATE placement SET outcome = 5, copy_id = NULL, raw_sha = NULL WHERE uid = 2 RETURNING 1');
    await rowsOf(
      mailbox,
      `INSERT INTO failure (tenant_id, id, source_id, gen_id, uid, kind, code, versions)
       SELECT tenant_id, gen_random_uuid(), source_id, gen_id, uid, 'unreadable', 'not-delivered', '{}' FROM placement WHERE uid = 2 RETURNING 1`,
    );
    await rowsOf(mailbox, 'DELETE FROM placement WHERE uid = 1 RETURNING 1');
    await foundForLong(mailbox);
    await mailbox.person.append('INBOX', mail({ subject: 'new' }));
    await mailbox.round();
    expect((await mailbox.ledger()).map(({ uid }) => uid)).toEqual([1, 2, 3, 4]);
    expect(await hoursUntilDue(mailbox)).toBeGreaterThan(2.5);
    await rowsOf(mailbox, `UPDATE failure SET state = 'accepted' RETURNING 1`);
    await mailbox.round();
    expect(await hoursUntilDue(mailbox)).toBeLessThanOrEqual(0);
  });

  test('whose folder could not be proven is compared at once after a listing that is, but once', async () => {
    const mailbox = await provenMailbox();
    await mailbox.person.createFolder('Appeared since');
    await auditOf(mailbox);
    await rowsOf(mailbox, `UPDATE mailbox SET audit_due_at = now() + interval '3 hours' RETURNING 1`);
    await mailbox.syncAll();
    await mailbox.round();
    expect(await hoursUntilDue(mailbox)).toBeLessThanOrEqual(0);
    await rowsOf(mailbox, `UPDATE mailbox SET audit_due_at = now() + interval '3 hours' RETURNING 1`);
    await rowsOf(mailbox, `UPDATE audit_finding SET found_at = now() - interval '3 hours' RETURNING 1`);
    await mailbox.round();
    expect(await hoursUntilDue(mailbox)).toBeGreaterThan(2.5);
  });
});

test('a recorded message that is in no timeline although an address matches is put there', async () => {
  const mailbox = await bench.connect();
  const recordId = newUuid();
  await bench.database.db.inTenant(mailbox.tenantId, async (sql) => {
    await sql.execute(`INSERT INTO record (tenant_id, id, type, name) VALUES ($1, $2, 'contact', 'Ada')`, [
      mailbox.tenantId,
      recordId,
    ]);
    await sql.execute(
      `INSERT INTO record_address (tenant_id, address_key, record_id, kind, address) VALUES ($1, 'ada@customer.example', $2, 'business', 'ada@customer.example')`,
      [mailbox.tenantId, recordId],
    );
  });
  await mailbox.person.append('INBOX', mail({ subject: 'linked', from: 'ada@customer.example' }));
  await mailbox.syncAll();
  const linked = () => rowsOf(mailbox, 'SELECT FROM timeline WHERE record_id = $1 AND principal = -1', [recordId]);
  expect(await linked()).toHaveLength(1);
  for (const damage of ['DELETE FROM link', 'DELETE FROM timeline']) {
    if (damage === 'DELETE FROM link') await rowsOf(mailbox, 'DELETE FROM link_reason RETURNING 1');
    await rowsOf(mailbox, `${damage} RETURNING 1`);
    if (damage === 'DELETE FROM link')
      await rowsOf(mailbox, 'DELETE FROM timeline WHERE record_id = $1 RETURNING 1', [recordId]);
    expect(await linked()).toHaveLength(0);
    await auditOf(mailbox);
    expect(await linked()).toHaveLength(1);
  }
  expect((await findingsOf(mailbox)).map(({ kind, healed }) => [kind, healed])).toEqual([
    ['not-linked', true],
    ['not-linked', true],
  ]);
});

test('what the server lists and does not deliver is missing until a person accepts it', async () => {
  const mailbox = await provenMailbox();
  await rowsOf(mailbox, 'UPDATE placement SET outcome = 5, copy_id = NULL, raw_sha = NULL WHERE uid = 2 RETURNING 1');
  await rowsOf(
    mailbox,
    `INSERT INTO failure (tenant_id, id, source_id, gen_id, uid, kind, code, versions)
     SELECT tenant_id, gen_random_uuid(), source_id, gen_id, uid, 'unreadable', 'not-delivered', '{}' FROM placement WHERE uid = 2 RETURNING 1`,
  );
  await auditOf(mailbox);
  expect(await flagsOf(mailbox)).toEqual(['incomplete']);
  expect(await findingsOf(mailbox)).toEqual([{ kind: 'undelivered', uids: [2], healed: false }]);
  await rowsOf(mailbox, `UPDATE failure SET state = 'accepted' RETURNING 1`);
  await auditOf(mailbox);
  expect(await flagsOf(mailbox)).toEqual([]);
  expect(
    await rowsOf(mailbox, `SELECT accepted_count, undelivered_count FROM folder_audit WHERE accepted_count > 0`),
  ).toEqual([{ accepted_count: 1, undelivered_count: 0 }]);
});

test('mail that rounds record or see go while a folder is compared is no difference', async () => {
  const mailbox = await provenMailbox();
  const { connections } = bench.context;
  let looked = 0;
  const context: SyncBench['context'] = {
    ...bench.context,
    connections: {
      ...connections,
      use: (use, work) =>
        connections.use(use, (open, signal) => {
          const examine = async (path: string): Promise<OpenFolder> => {
            const isInbox = path === 'INBOX';
            const folder = await open.examine(path);
            const listUids = async () => {
              const listing = await folder.listUids();
              if (!isInbox) return listing;
              looked += 1;
              await mailbox.person.append('INBOX', mail({ subject: 'meanwhile' }));
              await mailbox.person.expunge('INBOX', [2]);
              await mailbox.round();
              return listing;
            };
            return { ...folder, listUids };
          };
          return work(Object.create(open, { examine: { value: examine } }) as Mailbox, signal);
        }),
    },
  };
  expect(await auditAsked({ ...bench, context }, mailbox)).toMatchObject({ kind: 'done', state: 'done' });
  expect(looked).toBe(1);
  expect((await mailbox.ledger()).map(({ uid, presence }) => [uid, presence])).toEqual([
    [1, presences.live],
    [2, presences.ended],
    [3, presences.live],
    [4, presences.live],
  ]);
  expect(await findingsOf(mailbox)).toEqual([]);
  expect(await flagsOf(mailbox)).toEqual([]);
});

describe('an audit that nobody asks for', () => {
  const dueNow = async ({ mailboxId }: TestMailbox) =>
    (await dueAudits(bench.database.db, 1_000)).some((due) => due.mailboxId === mailboxId);

  test('is due when the first import has ended, and then daily', async () => {
    const mailbox = await bench.connect();
    expect(await dueNow(mailbox)).toBe(false);
    await mailbox.person.append('INBOX', mail({ subject: 'history' }));
    await mailbox.round();
    expect(await dueNow(mailbox)).toBe(false);
    await mailbox.syncAll();
    expect(await dueNow(mailbox)).toBe(true);
    await auditOf(mailbox);
    expect(await dueNow(mailbox)).toBe(false);
    await rowsOf(mailbox, 'UPDATE mailbox SET audit_due_at = now() RETURNING 1');
    expect(await dueNow(mailbox)).toBe(true);
  });

  test('says what it was made for, and is not begun again while it is under way', async () => {
    const mailbox = await provenMailbox();
    await rowsOf(mailbox, `UPDATE mailbox SET audit_due_at = now(), audit_cause = 'outage' RETURNING 1`);
    const { operationId } = await beginDueAudit(bench.database.db, mailbox);
    expect(await beginAudit(bench.database.db, { ...mailbox, operationId })).toBe('outage');
    await noteAuditTried(bench.database.db, mailbox, 60_000);
    expect(await dueNow(mailbox)).toBe(false);
    expect(await beginDueAudit(bench.database.db, mailbox)).toEqual({ operationId });
  });

  const startDue = (startAudit: () => Promise<void>) => {
    const { context } = bench;
    const run = { signal: new AbortController().signal, heartbeat: () => undefined };
    return startDueAudits({ ...context, engine: { ...context.engine, startAudit } }, run, () => Promise.resolve());
  };

  test('stays due where it could not be started', async () => {
    const mailbox = await provenMailbox();
    await rowsOf(mailbox, 'UPDATE mailbox SET audit_due_at = now() RETURNING 1');
    await startDue(() => Promise.reject(new Error('Temporal is away')));
    expect(await dueNow(mailbox)).toBe(true);
    await startDue(() => Promise.resolve());
    expect(await dueNow(mailbox)).toBe(false);
  });

  test('is not made due earlier by having been started, where it has ended before that is noted', async () => {
    const mailbox = await provenMailbox();
    await rowsOf(mailbox, `UPDATE mailbox SET audit_due_at = now() + interval '20 hours' RETURNING 1`);
    await noteAuditTried(bench.database.db, mailbox, 60_000);
    const hours = await rowsOf<{ hours: number }>(
      mailbox,
      'SELECT (extract(epoch FROM audit_due_at - now()) / 3600)::float8 AS hours FROM mailbox',
    );
    expect(hours[0]?.hours).toBeGreaterThan(19);
  });

  describe('after an outage', () => {
    /** What the clock would say of a mailbox that has been quiet for long, whose rounds have failed for some time. */
    const downFor = (mailbox: TestMailbox, down: string, audited: string) =>
      rowsOf(
        mailbox,
        `UPDATE mailbox SET down_since = now() - $1::interval, audited_at = now() - $2::interval, audit_tried_at = NULL,
           audit_due_at = now() + interval '20 hours' RETURNING 1`,
        [down, audited],
      );

    const roundAt = async (mailbox: TestMailbox, port: number) => {
      await rowsOf(mailbox, `UPDATE mailbox SET imap = jsonb_set(imap, '{port}', $1) RETURNING 1`, [String(port)]);
      return mailbox.round();
    };

    test.each([
      ['1 minute', '8 hours', false],
      ['1 hour', '1 hour', false],
      ['1 hour', '8 hours', true],
    ])('of %s, when it was compared %s ago, it is due: %s', async (down, audited, due) => {
      const mailbox = await provenMailbox();
      await downFor(mailbox, down, audited);
      await mailbox.round();
      expect(await dueNow(mailbox)).toBe(due);
    });

    test('of a moment a mailbox that had been quiet for hours is not', async () => {
      const mailbox = await provenMailbox();
      await rowsOf(
        mailbox,
        `UPDATE mailbox SET last_success_at = now() - interval '5 hours', audited_at = now() - interval '8 hours' RETURNING 1`,
      );
      expect((await roundAt(mailbox, 1)).kind).toBe('retry');
      expect((await roundAt(mailbox, sharedDovecot().imapPort)).kind).toBe('done');
      expect(await dueNow(mailbox)).toBe(false);
    });

    test('it is measured from the first failure, and over with the first success', async () => {
      const mailbox = await provenMailbox();
      const downSince = async () =>
        (await rowsOf<{ at: Date | null }>(mailbox, 'SELECT down_since AS at FROM mailbox'))[0]?.at;
      await roundAt(mailbox, 1);
      const first = await downSince();
      expect(first).toBeInstanceOf(Date);
      await roundAt(mailbox, 1);
      expect(await downSince()).toEqual(first);
      await roundAt(mailbox, sharedDovecot().imapPort);
      expect(await downSince()).toBeNull();
    });

    test('it is not tried again at once where it could not be made', async () => {
      const mailbox = await provenMailbox();
      await rowsOf(mailbox, `UPDATE mailbox SET imap = jsonb_set(imap, '{port}', '1') RETURNING 1`);
      await auditOf(mailbox);
      await rowsOf(
        mailbox,
        `UPDATE mailbox SET down_since = now() - interval '1 hour', audited_at = now() - interval '8 hours' RETURNING 1`,
      );
      await roundAt(mailbox, sharedDovecot().imapPort);
      expect(await dueNow(mailbox)).toBe(false);
      await rowsOf(
        mailbox,
        `UPDATE mailbox SET down_since = now() - interval '1 hour', audit_tried_at = now() - interval '20 minutes' RETURNING 1`,
      );
      await mailbox.round();
      expect(await dueNow(mailbox)).toBe(true);
    });
  });
});

test('a person who deletes mail while it is compared makes no partial view', async () => {
  const mailbox = await bench.connect();
  const folders = ['INBOX', 'Customers', 'Offers', 'Trash'];
  for (const folder of folders.slice(1)) await mailbox.person.createFolder(folder).catch(() => undefined);
  const uids = new Map<string, number[]>();
  for (const folder of folders) {
    const appended: number[] = [];
    for (let n = 0; n < 30; n += 1) appended.push(await mailbox.person.append(folder, mail({ subject: String(n) })));
    uids.set(folder, appended);
  }
  await mailbox.syncAll();
  const deleting = (async () => {
    for (let n = 0; n < 30; n += 1) {
      for (const folder of folders) await mailbox.person.expunge(folder, uids.get(folder)?.slice(n, n + 1) ?? []);
    }
    return 'done' as const;
  })();
  const seen: object[] = [];
  for (let end: 'done' | null = null; end === null;) {
    await auditOf(mailbox);
    seen.push(
      ...(await rowsOf(
        mailbox,
        `SELECT 'audit' AS of, reason FROM folder_audit WHERE reason IN ('message-limit', 'routes-disagree')
         UNION ALL SELECT 'flag', m.state FROM mailbox m WHERE 'partial-view' = ANY (m.flags)`,
      )),
    );
    end = await Promise.race([deleting, new Promise<null>((resolve) => setImmediate(resolve, null))]);
  }
  expect(seen).toEqual([]);
});
