/** What a deletion empties with the mailbox's content, chunk by chunk, and with its bytes. */
export const contentTables: readonly string[] = [
  'placement',
  'failure',
  'copy',
  'blob',
  'deletion_blob',
  'deletion_rest',
];

/** What carries the source beside its content, in the order in which it can go. */
export const besideTables: readonly { name: string; column: 'source_id' | 'stream' }[] = [
  { name: 'replay_item', column: 'source_id' },
  { name: 'reprocess_difference', column: 'source_id' },
  { name: 'removal', column: 'source_id' },
  { name: 'mirroring', column: 'source_id' },
  { name: 'removed_link', column: 'source_id' },
  { name: 'thread_visibility', column: 'source_id' },
  { name: 'told_apart', column: 'source_id' },
  { name: 'left_out_reply', column: 'source_id' },
  { name: 'left_out_look', column: 'source_id' },
  { name: 'audit_finding', column: 'source_id' },
  { name: 'folder_audit', column: 'source_id' },
  { name: 'folder_generation', column: 'source_id' },
  { name: 'folder', column: 'source_id' },
  { name: 'outbox', column: 'stream' },
  { name: 'mailbox_event', column: 'source_id' },
  { name: 'notice', column: 'source_id' },
  { name: 'operation', column: 'source_id' },
];

/** These make the mailbox itself, or are written by whoever looks at it while it is there. What is left of them goes with its row. */
export const lastTables: readonly string[] = [
  'mailbox_watch',
  'account_connection',
  'reconciliation_finding',
  'mailbox_event',
  'notice',
  'operation',
  'source_member',
  'mailbox',
];
