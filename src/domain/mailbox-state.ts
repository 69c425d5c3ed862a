/** What a mailbox is doing, as `GET /v1/mailboxes/{id}` shows it. */
export const mailboxStates = [
  'connecting',
  'live',
  'backing-off',
  'auth-required',
  'needs-attention',
  'paused',
  'stopping',
  'stopped',
  'deleting',
] as const;

export type MailboxState = (typeof mailboxStates)[number];

/** What is wished of a source; a row in Postgres, carried out by the workflow. */
export type DesiredState = 'running' | 'paused' | 'stopped';

/** Every write of a source carries it; a stale one writes nothing. */
export interface Fence {
  epoch: number;
  generation: number;
}
