import { defineSearchAttributeKey, SearchAttributeType, TypedSearchAttributes } from '@temporalio/common';

import { publicId } from '../domain/ids';
import type { searchAttributes } from './contract';

type Name = (typeof searchAttributes)[number];

const pair = (name: Name, value: string) => ({
  key: defineSearchAttributeKey(name, SearchAttributeType.KEYWORD),
  value,
});

/** What the Temporal UI finds a workflow by: whose it is, the mailbox where it is about one, and what `more` says. Ids are UUIDs and shown as public ones. */
export function foundBy(
  about: { tenantId: string; mailboxId?: string },
  more: Partial<Record<Name, string>> = {},
): TypedSearchAttributes {
  const { tenantId, mailboxId } = about;
  return new TypedSearchAttributes([
    pair('TenantId', publicId('tenant', tenantId)),
    ...(mailboxId === undefined ? [] : [pair('MailboxId', publicId('mailbox', mailboxId))]),
    ...Object.entries(more).map(([name, value]) => pair(name as Name, value)),
  ]);
}
