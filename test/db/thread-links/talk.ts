import type { ThreadLinkMode } from '../../../src/domain/link-reasons';
import type { Database, Sql } from '../../../src/db/database';
import { threadOf } from '../../../src/db/messages-thread';
import { lockTenantForWriting } from '../../../src/db/tenant-lock';
import {
  beginThreadLink,
  beginThreadRelink,
  beginThreadUnlink,
  type LinkActor,
} from '../../../src/db/thread-links/begin';
import { linkChunk } from '../../../src/db/thread-links/link-chunk';
import { changeMessageLink } from '../../../src/db/thread-links/message-links';
import { linksOfThread, type ThreadLink } from '../../../src/db/thread-links/thread-links';
import { beginUndo } from '../../../src/db/thread-links/undo';
import { tenantPrincipal } from '../../../src/db/timeline-write';
import { aMailbox, aMessage, type MessageOptions, type TestMailbox } from '../../support/mail-rows';

/** What somebody asks for, and the operation that it became. */
export interface Asked {
  kind: string;
  operationId: string;
  linkId: string;
}

const bob = 'bob@elsewhere.example';

/** Mail of one mailbox by its names, and what people do to its threads, so many messages a transaction. */
export class Talk {
  readonly ids = new Map<string, string>();
  private readonly tenantId: string;

  private constructor(
    readonly db: Database,
    readonly mailbox: TestMailbox,
    private readonly atOnce: number,
  ) {
    this.tenantId = mailbox.tenantId;
  }

  static async in(db: Database, tenantId: string, atOnce: number): Promise<Talk> {
    return new Talk(db, await aMailbox(db, tenantId), atOnce);
  }

  /** From Bob to Bob, unless said otherwise. */
  async send(name: string, answers: string[] = [], options: MessageOptions = {}): Promise<string> {
    const references = answers.map((answered) => `<${answered}@x>`);
    const { id, threadId } = await aMessage(this.db, this.mailbox, {
      messageId: `<${name}@x>`,
      references,
      from: bob,
      to: [bob],
      ...options,
    });
    this.ids.set(name, id);
    return threadId;
  }

  link(threadId: string, recordId: string, { mode, as }: { mode: ThreadLinkMode; as?: LinkActor }): Promise<Asked> {
    return this.begin((sql) => beginThreadLink(sql, as ?? this.tenant, { threadId, recordId, mode }));
  }

  /** As a person who sees it in the list. */
  async unlink(threadId: string, recordId: string): Promise<Asked> {
    const found = (await this.links(threadId)).find((link) => link.recordId === recordId);
    if (found === undefined) return { kind: 'none', operationId: '', linkId: '' };
    const linkId = found.id;
    return this.begin((sql) => beginThreadUnlink(sql, this.tenant, { threadId, linkId }));
  }

  relink(threadId: string, recordId: string, { mode, as }: { mode?: ThreadLinkMode; as?: LinkActor } = {}) {
    return this.begin((sql) => beginThreadRelink(sql, as ?? this.tenant, { threadId, recordId, mode: mode ?? null }));
  }

  undo({ operationId }: Asked): Promise<Asked> {
    return this.begin((sql) => beginUndo(sql, this.tenant, { operationId, keptMs: 60_000 }));
  }

  /** One message, by hand. */
  byHand(does: 'link' | 'unlink', name: string, recordId: string): Promise<string> {
    const pair = { messageId: this.ids.get(name) ?? '', recordId };
    return this.locked((sql) => changeMessageLink(sql, this.tenantId, { does, actor: 'test', pair }));
  }

  /** The next share of an operation. */
  async step({ operationId }: Asked): Promise<'more' | 'done' | 'none'> {
    return (await linkChunk(this.db, { tenantId: this.tenantId, operationId }, this.atOnce)).kind;
  }

  async done(asked: Promise<Asked>): Promise<Asked> {
    const begun = await asked;
    while ((await this.step(begun)) === 'more');
    return begun;
  }

  /** The records that a thread is linked to, by its id or an earlier one. */
  links(threadId: string): Promise<ThreadLink[]> {
    const { reader } = this.tenant;
    return this.db.inTenant(this.tenantId, async (sql) => {
      const whole = (await threadOf(sql, this.tenantId, threadId)) ?? threadId;
      return (await linksOfThread(sql, reader, { threadId: whole })).links;
    });
  }

  /** The names of the messages in a record's timeline, and of those kept away from it with a dash before, in the order of the alphabet. */
  async at(recordId: string): Promise<string> {
    const rows = await this.rows<{ name: string }>(
      `SELECT btrim(split_part(message_id_header, '@', 1), '<') AS name FROM timeline t JOIN message m ON m.id = t.message_id
       WHERE t.record_id = $1 AND t.principal = -1
       UNION ALL SELECT '-' || btrim(split_part(message_id_header, '@', 1), '<') FROM link l JOIN message m ON m.id = l.message_id
       WHERE l.record_id = $1 AND l.state = 'suppressed'`,
      [recordId],
    );
    return rows
      .map(({ name }) => name)
      .sort()
      .join(' ');
  }

  /** The kinds of reasons by people, and by what they did to threads, that stand at a record. */
  async said(recordId: string): Promise<string> {
    const rows = await this.rows<{ said: string }>(
      `SELECT DISTINCT split_part(r.key, ':', 1) AS said FROM link l JOIN link_reason r ON r.link_id = l.id
       WHERE l.record_id = $1 AND r.kind IN ('person', 'thread') AND r.key NOT LIKE 'reply:%' ORDER BY 1`,
      [recordId],
    );
    return rows.map(({ said }) => said).join(' ');
  }

  rows<Row extends object>(text: string, values: unknown[] = []): Promise<Row[]> {
    return this.db.inTenant(this.tenantId, (sql) => sql.query<Row>(text, values));
  }

  locked<T>(work: (sql: Sql) => Promise<T>): Promise<T> {
    return this.db.inTenant(this.tenantId, async (sql) => {
      await lockTenantForWriting(sql, this.tenantId);
      return work(sql);
    });
  }

  private get tenant(): LinkActor {
    return {
      reader: { tenantId: this.tenantId, userId: null, principal: tenantPrincipal },
      actor: 'test',
      note: null,
    };
  }

  private async begin(
    work: (sql: Sql) => Promise<{ kind: string; operationId?: string; linkId?: string }>,
  ): Promise<Asked> {
    const { kind, operationId = '', linkId = '' } = await this.locked(work);
    return { kind, operationId, linkId };
  }
}
