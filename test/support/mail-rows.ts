import { createHash, randomUUID } from 'node:crypto';

import type { Database } from '../../src/db/database';
import { recordBatch } from '../../src/db/ingest/record-batch';
import { insertMailbox } from '../../src/db/mailbox-write';
import { newUuid } from '../../src/db/new-id';
import type { RecordValues } from '../../src/db/records';
import { createRecord } from '../../src/db/records-write';
import { lockTenantForWriting } from '../../src/db/tenant-lock';
import { createUser, type UserValues } from '../../src/db/users';
import { normaliseAddress } from '../../src/domain/address';
import type { Direction } from '../../src/domain/direction';
import type { MailAddress, MessageMark, ParsedMessage, PartDescriptor } from '../../src/domain/message';
import { defaultPolicy, type AddressKind, type Policy, type Visibility } from '../../src/domain/policy';

/** Rows as an ingest would leave them, without a mail server: each function states only what matters. */

export interface TestMailbox {
  tenantId: string;
  sourceId: string;
  genId: number;
  policy: Policy;
  /** Counts up with each message. */
  nextUid: number;
}

/** A mailbox with the folder INBOX. */
export async function aMailbox(
  db: Database,
  tenantId: string,
  options: { address?: string; visibility?: Visibility; ownerUserId?: string; memberUserIds?: string[] } = {},
): Promise<TestMailbox> {
  const address = options.address ?? `${randomUUID()}@company.example`;
  const policy: Policy = { ...defaultPolicy, visibility: options.visibility ?? 'private' };
  const sourceId = newUuid();
  return db.inTenant(tenantId, async (sql) => {
    await insertMailbox(sql, tenantId, {
      id: sourceId,
      address,
      addressKey: keyOf(address),
      displayName: null,
      provider: 'other',
      imap: { host: 'imap.company.example', port: 993, security: 'tls', allowInvalidCertificate: false, ca: null },
      smtp: null,
      username: address,
      secret: { bytes: Buffer.from('sealed'), keyId: 'test' },
      policy,
      ownerUserId: options.ownerUserId ?? null,
      memberUserIds: options.memberUserIds ?? [],
    });
    const folderId = newUuid();
    await sql.execute(
      `INSERT INTO folder (tenant_id, id, source_id, path, role, in_scope) VALUES ($1, $2, $3, 'INBOX', 'inbox', true)`,
      [tenantId, folderId, sourceId],
    );
    const [generation] = await sql.query<{ id: number }>(
      `INSERT INTO folder_generation (tenant_id, source_id, folder_id, uidvalidity) VALUES ($1, $2, $3, 1700000000) RETURNING id`,
      [tenantId, sourceId, folderId],
    );
    if (generation === undefined) throw new Error('no generation');
    return { tenantId, sourceId, genId: generation.id, policy, nextUid: 1 };
  });
}

export interface MessageOptions {
  from?: string;
  to?: string[];
  cc?: string[];
  bcc?: string[];
  deliveredTo?: string[];
  subject?: string;
  text?: string;
  /** With angle brackets. */
  messageId?: string | null;
  references?: string[];
  sentAt?: Date;
  flags?: number;
  /** Whether it is new, or of the history that is imported; new where nothing is said. */
  part?: 'live' | 'history';
  direction?: Direction;
  marks?: MessageMark[];
  parts?: PartDescriptor[];
  /** The kept bytes; without them the copy has none. */
  bytes?: { blobId: string; raw: Buffer };
  /** Of the kept bytes; `full` where nothing else is said. */
  rawState?: 'full' | 'reduced';
}

/** A recorded message; the same options in another mailbox are another copy of the same message. */
export async function aMessage(
  db: Database,
  mailbox: TestMailbox,
  options: MessageOptions = {},
): Promise<{ id: string; copyId: string; threadId: string; uid: number }> {
  const message = parsedMessage(options);
  const rawSha =
    options.bytes === undefined
      ? createHash('sha256').update(`${mailbox.sourceId} ${message.messageKey}`).digest()
      : createHash('sha256').update(options.bytes.raw).digest();
  const uid = mailbox.nextUid++;
  await recordBatch(
    db,
    { ...mailbox, fence: { epoch: 1, generation: 1 } },
    {
      genId: mailbox.genId,
      cursor: null,
      part: options.part ?? 'live',
      versions: { parser: 1, code: 'test' },
      items: [
        {
          kind: 'recorded',
          uid,
          size: options.bytes?.raw.length ?? 1_000,
          internalDate: message.sentAt,
          flags: options.flags ?? 0,
          modseq: null,
          rawSha,
          blobId: options.bytes?.blobId ?? null,
          rawState: options.bytes === undefined ? 'none' : (options.rawState ?? 'full'),
          providerId: null,
          providerThreadId: null,
          direction: options.direction ?? 'incoming',
          message,
        },
      ],
    },
  );
  const [row] = await db.inTenant(mailbox.tenantId, (sql) =>
    sql.query<{ id: string; copyId: string; threadId: string }>(
      `SELECT m.id, c.id AS "copyId", m.thread_id AS "threadId" FROM copy c JOIN message m ON m.id = c.message_id
       WHERE c.source_id = $1 AND c.raw_sha = $2`,
      [mailbox.sourceId, rawSha],
    ),
  );
  if (row === undefined) throw new Error('the message was not recorded');
  return { ...row, uid };
}

/** A user; by default a member with one address of their own. */
export async function aUser(
  db: Database,
  tenantId: string,
  options: Partial<UserValues> = {},
): Promise<{ id: string; principal: number; address: string }> {
  const address = options.addresses?.[0] ?? `${randomUUID()}@company.example`;
  const id = await db.inTenant(tenantId, async (sql) => {
    await lockTenantForWriting(sql, tenantId);
    const written = await createUser(sql, tenantId, {
      role: 'member',
      name: 'A user',
      addresses: [address],
      ...options,
    });
    if (written.kind !== 'written') throw new Error(written.kind);
    return written.user.id;
  });
  const [row] = await db.inTenant(tenantId, (sql) =>
    sql.query<{ principal: number }>('SELECT principal FROM app_user WHERE id = $1', [id]),
  );
  return { id, principal: row?.principal ?? 0, address };
}

/** A record; its mail is linked when it arrives after it. Returns the id. */
export async function aRecord(
  db: Database,
  tenantId: string,
  options: Partial<Omit<RecordValues, 'addresses'>> & { addresses?: string[]; kind?: AddressKind } = {},
): Promise<string> {
  const { addresses = [], kind = 'business', ...values } = options;
  return db.inTenant(tenantId, async (sql) => {
    await lockTenantForWriting(sql, tenantId);
    const written = await createRecord(sql, tenantId, {
      type: 'contact',
      name: 'A record',
      number: null,
      externalId: null,
      companyId: null,
      intermediaryId: null,
      ownerUserId: null,
      scope: { mode: 'all' },
      domains: [],
      ...values,
      addresses: addresses.map((address) => ({ key: keyOf(address), address, kind })),
    });
    if (written.kind !== 'written') throw new Error(JSON.stringify(written));
    return written.record.id;
  });
}

/** A message as the parser would answer it: what it is does not depend on its files. */
export function parsedMessage(options: MessageOptions): ParsedMessage {
  const { bytes, flags, direction, parts, rawState, part, ...told } = options;
  const messageKey = createHash('sha256').update(JSON.stringify(told)).digest('hex');
  return {
    messageIdHeader: options.messageId === undefined ? `<${messageKey}@mail.example>` : options.messageId,
    references: options.references ?? [],
    sentAt: options.sentAt ?? new Date('2026-03-02T09:30:00Z'),
    subject: options.subject ?? 'A subject',
    from: mailAddresses([options.from ?? 'Ada Lovelace <ada@customer.example>']),
    sender: [],
    replyTo: [],
    to: mailAddresses(options.to ?? ['sales@company.example']),
    cc: mailAddresses(options.cc ?? []),
    bcc: mailAddresses(options.bcc ?? []),
    deliveredTo: mailAddresses(options.deliveredTo ?? []),
    text: options.text ?? 'A text',
    textTruncated: false,
    parts: options.parts ?? [],
    marks: options.marks ?? [],
    messageKey,
  };
}

/** `Name <address>` or an address. */
function mailAddresses(texts: string[]): MailAddress[] {
  return texts.map((text) => {
    const [, name = '', address = text] = /^(.*?) ?<(.+)>$/.exec(text) ?? [];
    return { name, address, key: normaliseAddress(address) };
  });
}

function keyOf(address: string): string {
  const key = normaliseAddress(address);
  if (key === null) throw new Error(`not an address: ${address}`);
  return key;
}
