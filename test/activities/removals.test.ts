import { imapProfiles, serverOf, type ServerOfProfile } from '../support/imap-profiles';
import { mail } from '../support/mail-factory';
import { startScriptedServer } from '../support/scripted-imap-server';
import { createSyncBench, type SyncBench, type TestMailbox } from '../support/sync-bench';
import {
  answerRemovals,
  pendingRemovals,
  type Answered,
  type RemovalAnswer,
  type SeenQuestion,
} from '../../src/db/removals/answer';
import { presences } from '../../src/domain/ledger';
import type { Policy } from '../../src/domain/policy';

describe.each(imapProfiles)('on a server of the %s profile', (profile) => {
  let bench: SyncBench;
  let dovecot: ServerOfProfile;

  beforeAll(async () => {
    dovecot = await serverOf(profile);
    bench = await createSyncBench(dovecot.imapPort, { confirmRemovalsAbove: 3 });
  });

  afterAll(async () => {
    await bench.close();
    await dovecot.release();
  });

  const mirrored = (policy: Partial<Policy> = {}) =>
    bench.connect({ policy: { removals: 'mirror', removalGraceSeconds: 0, ...policy } });

  const query = <Row extends object>({ tenantId }: TestMailbox, text: string, values: unknown[] = []) =>
    bench.database.db.inTenant(tenantId, (sql) => sql.query<Row>(text, values));

  const subjects = async (mailbox: TestMailbox) =>
    (await query<{ subject: string }>(mailbox, 'SELECT subject FROM message_subject ORDER BY subject')).map(
      ({ subject }) => subject,
    );

  const events = async (mailbox: TestMailbox, type: string) =>
    (await query<{ ids: object }>(mailbox, 'SELECT ids FROM outbox WHERE type = $1 ORDER BY seq', [type])).map(
      ({ ids }) => ids,
    );

  const flags = async (mailbox: TestMailbox) =>
    (await query<{ flags: string[] }>(mailbox, 'SELECT flags FROM mailbox'))[0]?.flags;

  /** A round that must end well. */
  async function round(mailbox: TestMailbox): Promise<number> {
    const result = await mailbox.round();
    if (result.kind !== 'done') throw new Error(`the round ended with ${result.kind}`);
    return result.lookAgainMs;
  }

  /** Links the message with this subject to a record, as a person does. Returns the id of the record. */
  async function linkedByHand(mailbox: TestMailbox, subject: string): Promise<string> {
    const recordId = '01930000-0000-7000-8000-000000000001';
    await query(
      mailbox,
      `INSERT INTO record (tenant_id, id, type, name) VALUES ($1, $2, 'contact', 'Ada') RETURNING 1`,
      [mailbox.tenantId, recordId],
    );
    await query(
      mailbox,
      `WITH made AS (INSERT INTO link (tenant_id, id, message_id, record_id)
       SELECT $1, gen_random_uuid(), message_id, $2 FROM message_subject WHERE subject = $3 RETURNING id)
     INSERT INTO link_reason (tenant_id, link_id, kind, key, actor, record_version) SELECT $1, id, 'person', 'usr_1', 'usr_1', 1 FROM made RETURNING 1`,
      [mailbox.tenantId, recordId, subject],
    );
    return recordId;
  }

  /** Messages in the INBOX of a mirrored mailbox, in the ledger. */
  async function withMessages(names: string[], policy: Partial<Policy> = {}): Promise<TestMailbox> {
    const mailbox = await mirrored(policy);
    for (const [at, name] of names.entries()) {
      await mailbox.person.append('INBOX', mail({ subject: name, text: `${name} ${'.'.repeat(at * 7)}` }));
    }
    await mailbox.syncAll();
    return mailbox;
  }

  test('what is removed on the server is removed here, with one event, and its bytes', async () => {
    const mailbox = await withMessages(['stays', 'goes']);
    await mailbox.person.expunge('INBOX', [2]);
    await round(mailbox);
    expect(await subjects(mailbox)).toEqual(['stays']);
    expect(await events(mailbox, 'message.removed')).toHaveLength(1);
    const left = await query<{ copies: number; blobs: number; removals: number }>(
      mailbox,
      'SELECT (SELECT count(*) FROM copy) AS copies, (SELECT count(*) FROM blob) AS blobs, (SELECT count(*) FROM removal) AS removals',
    );
    expect(left).toEqual([{ copies: 1, blobs: 1, removals: 0 }]);
    expect((await mailbox.ledger()).map(({ uid, outcome, reason }) => [uid, outcome, reason])).toEqual([
      [1, 2, null],
      [2, 3, 'removed'],
    ]);
  });

  test('until the grace is over it is tombstoned, and the next round is due when it is', async () => {
    const mailbox = await withMessages(['stays', 'goes'], { removalGraceSeconds: 90 });
    await mailbox.person.expunge('INBOX', [2]);
    const lookAgainMs = await round(mailbox);
    expect(lookAgainMs).toBeGreaterThan(30_000);
    expect(lookAgainMs).toBeLessThanOrEqual(91_000);
    expect((await mailbox.ledger()).map(({ presence }) => presence)).toEqual([presences.live, presences.tombstoned]);
    expect(await subjects(mailbox)).toEqual(['goes', 'stays']);
  });

  test('with `keep` the placement has ended, and the message stays', async () => {
    const mailbox = await withMessages(['stays', 'goes'], { removals: 'keep' });
    await mailbox.person.expunge('INBOX', [2]);
    await round(mailbox);
    expect((await mailbox.ledger()).map(({ presence }) => presence)).toEqual([presences.live, presences.ended]);
    expect(await subjects(mailbox)).toEqual(['goes', 'stays']);
  });

  test('a move within scope is no removal', async () => {
    const mailbox = await withMessages(['stays', 'moves']);
    await mailbox.person.move('INBOX', 2, 'Archive');
    await mailbox.syncAll();
    await round(mailbox);
    expect(await subjects(mailbox)).toEqual(['moves', 'stays']);
    expect(await events(mailbox, 'message.removed')).toEqual([]);
    expect(await events(mailbox, 'message.recorded')).toHaveLength(2);
  });

  test('a message that came to a folder which is not listed yet waits for that, and keeps its links', async () => {
    const mailbox = await withMessages(['stays', 'moves']);
    await mailbox.person.createFolder('Later');
    await mailbox.person.move('INBOX', 2, 'Later');
    // The history of the new folder is the import's: the round that sees the end does not see the arrival.
    const result = await mailbox.round();
    expect(result).toMatchObject({ kind: 'done', foldersWithHistory: 1 });
    expect((await mailbox.ledger()).map(({ presence }) => presence)).toEqual([presences.live, presences.tombstoned]);
    await mailbox.syncAll();
    await query(mailbox, `UPDATE removal SET due_at = now() RETURNING 1`);
    await round(mailbox);
    expect((await mailbox.ledger()).map(({ folder, presence }) => [folder, presence])).toEqual([
      ['INBOX', presences.live],
      ['INBOX', presences.ended],
      ['Later', presences.live],
    ]);
    expect(await subjects(mailbox)).toEqual(['moves', 'stays']);
    expect(await query(mailbox, 'SELECT FROM removal')).toEqual([]);
  });

  test('what is only in Trash any more counts as removed', async () => {
    const mailbox = await withMessages(['stays', 'thrown away']);
    await mailbox.person.move('INBOX', 2, 'Trash');
    await round(mailbox);
    expect(await subjects(mailbox)).toEqual(['stays']);
  });

  test('what has another copy in the mailbox stays, and is told from it', async () => {
    const mailbox = await mirrored();
    const raw = mail({ subject: 'twice', messageId: '<twice@corp.example>' }).toString();
    await mailbox.person.append('INBOX', Buffer.from(raw));
    await mailbox.person.append('Sent', Buffer.from(`Received: by mx.corp.example\r\n${raw}`));
    await mailbox.syncAll();
    await mailbox.person.expunge('INBOX', [1]);
    await round(mailbox);
    expect(await subjects(mailbox)).toEqual(['twice']);
    expect(await query(mailbox, 'SELECT FROM copy')).toHaveLength(1);
    expect(await events(mailbox, 'message.removed')).toHaveLength(1);
  });

  test('what another mailbox holds stays there', async () => {
    const mine = await mirrored();
    const theirs = await bench.connect({ tenantId: mine.tenantId });
    const raw = mail({ subject: 'shared', messageId: '<shared@corp.example>' });
    for (const mailbox of [mine, theirs]) {
      await mailbox.person.append('INBOX', raw);
      await mailbox.syncAll();
    }
    await mine.person.expunge('INBOX', [1]);
    await round(mine);
    expect(await subjects(mine)).toEqual(['shared']);
    expect(await query(mine, 'SELECT source_id FROM copy')).toEqual([{ source_id: theirs.mailboxId }]);
  });

  test('a message that is put back after it was removed has its links by hand again', async () => {
    const mailbox = await mirrored();
    const raw = mail({ subject: 'comes back' });
    await mailbox.person.append('INBOX', raw);
    await mailbox.syncAll();
    const recordId = await linkedByHand(mailbox, 'comes back');
    await mailbox.person.expunge('INBOX', [1]);
    await round(mailbox);
    expect(await query(mailbox, 'SELECT FROM link')).toEqual([]);
    await mailbox.person.append('INBOX', raw);
    await round(mailbox);
    expect(await subjects(mailbox)).toEqual(['comes back']);
    expect(
      await query(mailbox, 'SELECT l.record_id, r.kind FROM link l JOIN link_reason r ON r.link_id = l.id'),
    ).toEqual([{ record_id: recordId, kind: 'person' }]);
    expect(await query(mailbox, 'SELECT FROM timeline WHERE record_id = $1', [recordId])).not.toEqual([]);
    expect(await query(mailbox, 'SELECT FROM removed_link')).toEqual([]);
  });

  describe('many at once', () => {
    const names = ['a', 'b', 'c', 'd', 'e', 'f'];

    async function robbed(): Promise<TestMailbox> {
      const mailbox = await withMessages(names);
      await mailbox.person.expunge('INBOX', [1, 2, 3, 4]);
      await round(mailbox);
      return mailbox;
    }

    async function answer(mailbox: TestMailbox, given: RemovalAnswer, seen?: SeenQuestion): Promise<Answered> {
      const source = { tenantId: mailbox.tenantId, sourceId: mailbox.mailboxId };
      return bench.database.db.inTenant(mailbox.tenantId, async (sql) => {
        const question = seen ?? (await questionOf(mailbox));
        return answerRemovals(sql, source, { answer: given, seen: question });
      });
    }

    async function questionOf({ tenantId, mailboxId }: TestMailbox): Promise<SeenQuestion> {
      const source = { tenantId, sourceId: mailboxId };
      const { asked, askedAt } = await bench.database.db.inTenant(tenantId, (sql) => pendingRemovals(sql, source));
      return { messages: asked, askedAt: askedAt ?? new Date(0) };
    }

    test('an answer is about the messages that were shown: not where others were added, also where as many came back', async () => {
      const mailbox = await robbed();
      const seen = await questionOf(mailbox);
      await round(mailbox);
      await query(mailbox, 'UPDATE removal SET due_at = now() RETURNING 1');
      await round(mailbox);
      expect(await questionOf(mailbox)).toEqual(seen);
      await mailbox.person.expunge('INBOX', [5]);
      await round(mailbox);
      await query(
        mailbox,
        `DELETE FROM removal WHERE copy_id = (SELECT copy_id FROM placement WHERE uid = 1) RETURNING 1`,
      );
      const { askedAt } = await questionOf(mailbox);
      expect(await answer(mailbox, 'confirm', seen)).toEqual({ kind: 'changed', now: { messages: 4, askedAt } });
      expect(askedAt).not.toEqual(seen.askedAt);
      await round(mailbox);
      expect(await subjects(mailbox)).toEqual(names);
    });

    test('wait for a person, while new mail comes in', async () => {
      const mailbox = await robbed();
      expect(await subjects(mailbox)).toEqual(names);
      expect(await flags(mailbox)).toEqual(['confirm-removal']);
      await mailbox.person.append('INBOX', mail({ subject: 'new' }));
      await round(mailbox);
      expect(await subjects(mailbox)).toEqual([...names, 'new']);
      expect(await query(mailbox, 'SELECT asked_count, asked_of FROM mirroring')).toEqual([
        { asked_count: 4, asked_of: 6 },
      ]);
    });

    test('go when the person has confirmed', async () => {
      const mailbox = await robbed();
      await answer(mailbox, 'confirm');
      expect(await flags(mailbox)).toEqual([]);
      await round(mailbox);
      expect(await subjects(mailbox)).toEqual(['e', 'f']);
      expect(await events(mailbox, 'message.removed')).toHaveLength(4);
    });

    test('stay when the person keeps them, also in later rounds', async () => {
      const mailbox = await robbed();
      await answer(mailbox, 'keep');
      expect(await flags(mailbox)).toEqual([]);
      await mailbox.person.expunge('INBOX', [5]);
      await round(mailbox);
      expect(await subjects(mailbox)).toEqual(['a', 'b', 'c', 'd', 'f']);
    });

    test('go without a question where they lie in Trash', async () => {
      const mailbox = await withMessages(names);
      for (const uid of [1, 2, 3, 4]) await mailbox.person.move('INBOX', uid, 'Trash');
      await round(mailbox);
      expect(await flags(mailbox)).toEqual([]);
      expect(await subjects(mailbox)).toEqual(['e', 'f']);
    });
  });

  test('mail that was removed before the mailbox was mirrored goes too', async () => {
    const mailbox = await withMessages(['stays', 'goes'], { removals: 'keep' });
    await mailbox.person.expunge('INBOX', [2]);
    await round(mailbox);
    await query(
      mailbox,
      `UPDATE source SET policy = policy || '{"removals": "mirror"}', generation = generation + 1 RETURNING 1`,
    );
    await round(mailbox);
    await round(mailbox);
    expect(await subjects(mailbox)).toEqual(['stays']);
  });

  test('a folder that leaves the scope takes nothing with it, and is compared when it comes back', async () => {
    const mailbox = await mirrored();
    await mailbox.person.createFolder('Projects');
    await mailbox.person.append('Projects', mail({ subject: 'one' }));
    await mailbox.person.append('Projects', mail({ subject: 'two' }));
    await mailbox.syncAll();
    const exclude = (names: string[]) =>
      query(
        mailbox,
        `UPDATE source SET policy = jsonb_set(policy, '{folders,exclude}', $1::jsonb), generation = generation + 1 RETURNING 1`,
        [JSON.stringify(names)],
      );
    await exclude(['Projects']);
    await round(mailbox);
    await mailbox.person.expunge('Projects', [1]);
    await round(mailbox);
    expect(await subjects(mailbox)).toEqual(['one', 'two']);
    await exclude([]);
    await mailbox.syncAll();
    await query(mailbox, 'UPDATE removal SET due_at = now() RETURNING 1');
    await round(mailbox);
    expect(await subjects(mailbox)).toEqual(['two']);
  });

  describe('a message that lies in Archive since before the start point, was copied to INBOX and goes there', () => {
    /** Its INBOX copy is recorded, and gone on the server; the Archive keeps it, and another. */
    async function archived(): Promise<TestMailbox> {
      const mailbox = await mirrored({ start: { from: 'now' } });
      const raw = mail({ subject: 'in the archive', text: 'long '.repeat(99) });
      await mailbox.person.append('Archive', raw, { date: new Date('2020-02-02T02:02:02Z') });
      await mailbox.person.append('Archive', mail({ subject: 'older' }), { date: new Date('2019-01-01T01:01:01Z') });
      await mailbox.syncAll();
      expect((await mailbox.ledger()).map(({ reason }) => reason)).toEqual(['before-start', 'before-start']);
      await mailbox.person.copy('Archive', 1, 'INBOX');
      await mailbox.person.append('INBOX', mail({ subject: 'goes', text: 'another' }));
      await round(mailbox);
      expect(await subjects(mailbox)).toEqual(['goes', 'in the archive']);
      await mailbox.person.expunge('INBOX', [1, 2]);
      return mailbox;
    }

    test('stays, for the server still shows it; what is nowhere goes', async () => {
      const mailbox = await archived();
      await round(mailbox);
      expect(await subjects(mailbox)).toEqual(['in the archive']);
    });

    const allowQuestions = (removalCompareMessages: number): void => {
      Object.assign(bench.context, { limits: { ...bench.context.limits, removalCompareMessages } });
    };

    test('stays also where but one message is asked about in a round, and what is nowhere goes when all are told', async () => {
      const mailbox = await archived();
      const { removalCompareMessages } = bench.context.limits;
      allowQuestions(1);
      try {
        await round(mailbox);
        expect(await subjects(mailbox)).toEqual(['goes', 'in the archive']);
        await query(mailbox, 'UPDATE removal SET due_at = now() RETURNING 1');
        await round(mailbox);
      } finally {
        allowQuestions(removalCompareMessages);
      }
      expect(await subjects(mailbox)).toEqual(['in the archive']);
    });

    test('keeps its links and its copy, which the one in Archive is a placement of now, and goes with that', async () => {
      const mailbox = await archived();
      const recordId = await linkedByHand(mailbox, 'in the archive');
      await round(mailbox);
      expect(
        (await mailbox.ledger()).map(({ folder, uid, reason, presence }) => [folder, uid, reason, presence]),
      ).toEqual([
        ['Archive', 1, null, presences.live],
        ['Archive', 2, 'before-start', presences.live],
        ['INBOX', 1, null, presences.ended],
        ['INBOX', 2, 'removed', presences.ended],
      ]);
      expect(await query(mailbox, 'SELECT record_id FROM link')).toEqual([{ record_id: recordId }]);
      expect(await query(mailbox, 'SELECT FROM removal')).toEqual([]);
      expect(await events(mailbox, 'message.removed')).toHaveLength(1);
      expect(await events(mailbox, 'message.recorded')).toHaveLength(2);
      await mailbox.person.expunge('Archive', [1]);
      await round(mailbox);
      expect(await subjects(mailbox)).toEqual([]);
    });

    test('is told from one of the same size and date by its Message-ID, without its bytes', async () => {
      const mailbox = await mirrored({ start: { from: 'now' } });
      const date = new Date('2020-02-02T02:02:02Z');
      const [first, second] = ['one', 'two'].map((subject) => mail({ subject, messageId: `${subject}@corp.example` }));
      if (first === undefined || second === undefined) throw new Error('no mail');
      expect(second).toHaveLength(first.length);
      await mailbox.person.append('Archive', first, { date });
      await mailbox.syncAll();
      await mailbox.person.append('INBOX', second, { date });
      await round(mailbox);
      expect(await subjects(mailbox)).toEqual(['two']);
      await mailbox.person.expunge('INBOX', [1]);
      await round(mailbox);
      expect(await subjects(mailbox)).toEqual([]);
      expect((await mailbox.ledger()).map(({ reason, sha256 }) => [reason, sha256])).toEqual([
        ['before-start', null],
        ['removed', null],
      ]);
    });

    test('that shows there with other transport headers is the same message: it stays, with its links', async () => {
      const mailbox = await mirrored({ start: { from: 'now' } });
      const raw = mail({ subject: 'twice', messageId: 'twice@corp.example' });
      const received = Buffer.concat([Buffer.from('Received: by mx.corp.example\r\n'), raw]);
      await mailbox.person.append('Archive', received, { date: new Date('2020-02-02T02:02:02Z') });
      await mailbox.syncAll();
      await mailbox.person.append('INBOX', raw);
      await round(mailbox);
      const recordId = await linkedByHand(mailbox, 'twice');
      await mailbox.person.expunge('INBOX', [1]);
      await round(mailbox);
      expect(await subjects(mailbox)).toEqual(['twice']);
      expect(await query(mailbox, 'SELECT record_id FROM link')).toEqual([{ record_id: recordId }]);
      expect((await mailbox.ledger()).map(({ folder, reason }) => [folder, reason])).toEqual([
        ['Archive', null],
        ['INBOX', 'removed'],
      ]);
    });

    test('is not kept by other mail under its Message-ID, and of that nothing is kept', async () => {
      const mailbox = await mirrored({ start: { from: 'now' } });
      const messageId = 'same@corp.example';
      await mailbox.person.append('Archive', mail({ subject: 'other', text: 'other mail', messageId }), {
        date: new Date('2020-02-02T02:02:02Z'),
      });
      await mailbox.syncAll();
      await mailbox.person.append('INBOX', mail({ subject: 'goes', messageId }));
      await round(mailbox);
      await mailbox.person.expunge('INBOX', [1]);
      await round(mailbox);
      expect(await subjects(mailbox)).toEqual([]);
      expect((await mailbox.ledger()).map(({ reason }) => reason)).toEqual(['before-start', 'removed']);
      expect(await query(mailbox, 'SELECT FROM blob')).toEqual([]);
    });

    test('without a Message-ID is told by its bytes from one of the same size', async () => {
      const mailbox = await mirrored({ start: { from: 'now' } });
      const nameless = (subject: string) => mail({ subject, messageId: null });
      await mailbox.person.append('Archive', nameless('one'), { date: new Date('2020-02-02T02:02:02Z') });
      await mailbox.syncAll();
      await mailbox.person.append('INBOX', nameless('one'));
      await mailbox.person.append('INBOX', nameless('two'));
      await round(mailbox);
      await mailbox.person.expunge('INBOX', [1, 2]);
      await round(mailbox);
      expect(await subjects(mailbox)).toEqual(['one']);
    });
  });

  test('a message that a listing left out, and that the server shows again before it is removed, lives', async () => {
    const messages = ['stays', 'comes back'].map((subject, at) => ({ uid: at + 1, raw: mail({ subject }) }));
    const server = await startScriptedServer({ folders: { INBOX: { messages } } });
    const mailbox = await bench.connect({
      port: server.port,
      user: 'somebody',
      withoutPerson: true,
      policy: { removals: 'mirror', removalGraceSeconds: 0 },
    });
    await mailbox.syncAll();
    const inbox = server.folders.get('INBOX');
    const all = inbox?.messages ?? [];
    Object.assign(inbox ?? {}, { messages: all.slice(0, 1), highestModseq: '8' });
    let listed = false;
    server.on['UID SEARCH'] = ({ usual }) => {
      listed = true;
      usual();
    };
    server.on['LIST'] = ({ usual }) => {
      if (listed) Object.assign(inbox ?? {}, { messages: all, highestModseq: '9' });
      usual();
    };
    await round(mailbox);
    expect(inbox?.messages).toHaveLength(2);
    expect((await mailbox.ledger()).map(({ presence }) => presence)).toEqual([presences.live, presences.tombstoned]);
    await round(mailbox);
    expect((await mailbox.ledger()).map(({ presence }) => presence)).toEqual([presences.live, presences.live]);
    expect(await subjects(mailbox)).toEqual(['comes back', 'stays']);
    expect(await query(mailbox, 'SELECT FROM removal')).toEqual([]);
    await bench.context.connections.closeAll();
    await server.stop();
  });
});
