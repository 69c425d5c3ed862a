import { presences } from '../../src/domain/ledger';
import type { Policy } from '../../src/domain/policy';
import { imapProfiles, serverOf, type ServerOfProfile } from '../support/imap-profiles';
import { mail } from '../support/mail-factory';
import { aRecord } from '../support/mail-rows';
import { createSyncBench, type SyncBench, type TestMailbox } from '../support/sync-bench';

describe.each(imapProfiles)('on a server of the %s profile', (profile) => {
  let bench: SyncBench;
  let dovecot: ServerOfProfile;

  beforeAll(async () => {
    dovecot = await serverOf(profile);
    bench = await createSyncBench(dovecot.imapPort);
  });

  afterAll(async () => {
    await bench.close();
    await dovecot.release();
  });

  const raw = mail({ subject: 'moves', from: 'ada@customer.example' });

  const query = <Row extends object>({ tenantId }: TestMailbox, text: string, values: unknown[] = []) =>
    bench.database.db.inTenant(tenantId, (sql) => sql.query<Row>(text, values));

  const liveIn = async (mailbox: TestMailbox) =>
    (await mailbox.ledger()).filter(({ presence }) => presence === presences.live).map(({ folder }) => folder);

  /** A mirrored mailbox with a message in INBOX, linked by its address and by hand; Archive and Sent have been looked at. */
  async function withMessage(policy: Partial<Policy> = {}): Promise<TestMailbox> {
    const mailbox = await bench.connect({ policy: { removals: 'mirror', removalGraceSeconds: 600, ...policy } });
    await aRecord(bench.database.db, mailbox.tenantId, { addresses: ['ada@customer.example'] });
    await mailbox.person.append('INBOX', raw);
    await mailbox.syncAll();
    await query(
      mailbox,
      `INSERT INTO link_reason (tenant_id, link_id, kind, key, actor, record_version)
       SELECT tenant_id, id, 'person', 'usr_1', 'usr_1', 1 FROM link RETURNING 1`,
    );
    return mailbox;
  }

  const state = (mailbox: TestMailbox) =>
    query(
      mailbox,
      `SELECT (SELECT jsonb_agg(c) FROM copy c) AS copies, (SELECT jsonb_agg(l) FROM link l) AS links,
         (SELECT jsonb_agg(r ORDER BY r.kind) FROM link_reason r) AS reasons, (SELECT count(*) FROM timeline) AS places,
         (SELECT jsonb_agg(o.type ORDER BY o.seq) FROM outbox o WHERE o.type LIKE 'message.%') AS events`,
    );

  /** Its grace is over: the next round decides. */
  async function decide(mailbox: TestMailbox): Promise<void> {
    await query(mailbox, 'UPDATE removal SET due_at = now() RETURNING 1');
    expect(await mailbox.round()).toMatchObject({ kind: 'done' });
    expect(await query(mailbox, 'SELECT FROM removal')).toEqual([]);
  }

  test.each<[string, (mailbox: TestMailbox) => Promise<void>]>([
    [
      'whose halves are seen in one round',
      async (mailbox) => {
        const { person } = mailbox;
        await person.move('INBOX', 1, 'Archive');
        await mailbox.round();
      },
    ],
    [
      'whose arrival is seen first',
      async (mailbox) => {
        const { person } = mailbox;
        await person.copy('INBOX', 1, 'Archive');
        await mailbox.round();
        await person.expunge('INBOX', [1]);
        await mailbox.round();
      },
    ],
    [
      'whose departure is seen first',
      async (mailbox) => {
        const { person } = mailbox;
        await person.expunge('INBOX', [1]);
        await mailbox.round();
        await person.append('Archive', raw);
        await mailbox.round();
      },
    ],
    [
      'to a folder that is made for it',
      async (mailbox) => {
        const { person } = mailbox;
        await person.createFolder('Archive/2026');
        await person.move('INBOX', 1, 'Archive/2026');
        await mailbox.syncAll();
        await person.move('Archive/2026', 1, 'Archive');
        await mailbox.syncAll();
      },
    ],
    [
      'that goes by way of Trash',
      async (mailbox) => {
        const { person } = mailbox;
        await person.move('INBOX', 1, 'Trash');
        await mailbox.round();
        await person.move('Trash', 1, 'Archive');
        await mailbox.round();
      },
    ],
    [
      'there and back and there again',
      async (mailbox) => {
        const { person } = mailbox;
        await person.move('INBOX', 1, 'Archive');
        await mailbox.round();
        await person.move('Archive', 1, 'INBOX');
        await person.move('INBOX', 2, 'Archive');
        await mailbox.round();
      },
    ],
  ])(
    'a move %s is the same message with a new placement: no removal, no other event, its links kept',
    async (_, move) => {
      const mailbox = await withMessage();
      const before = await state(mailbox);
      await move(mailbox);
      await decide(mailbox);
      expect(await state(mailbox)).toEqual(before);
      expect(await liveIn(mailbox)).toEqual(['Archive']);
    },
  );

  test('a message whose departure is seen while no grace is given comes back with its links by hand', async () => {
    const mailbox = await withMessage({ removalGraceSeconds: 0 });
    await mailbox.person.expunge('INBOX', [1]);
    await mailbox.round();
    expect(await query(mailbox, 'SELECT FROM link')).toEqual([]);
    await mailbox.person.append('Archive', raw);
    await mailbox.round();
    expect(await liveIn(mailbox)).toEqual(['Archive']);
    expect(await query(mailbox, 'SELECT kind FROM link_reason ORDER BY kind')).toEqual([
      { kind: 'address' },
      { kind: 'person' },
    ]);
  });

  test('a message in two folders that leaves one of them is not removed', async () => {
    const mailbox = await withMessage();
    await mailbox.person.copy('INBOX', 1, 'Archive');
    await mailbox.round();
    await mailbox.person.expunge('Archive', [1]);
    await mailbox.round();
    expect(await query(mailbox, 'SELECT FROM removal')).toEqual([]);
    expect(await liveIn(mailbox)).toEqual(['INBOX']);
  });
});
