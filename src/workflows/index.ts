export { auditMailbox } from './audit-mailbox';
export { housekeep } from './housekeep';
export { idleShard } from './idle-shard';
export { importHistory } from './import-history';
export { mailboxSync } from './mailbox-sync';
export { reconcile } from './reconcile';
export { rematch } from './rematch';
export { stopMailbox } from './stop-mailbox';
