/** The text of JSON, without the letters of its escapes: they are no part of an address that stands behind one. */
export const textOfJson = (json: string): string => `regexp_replace(${json}::text, '\\\\[bfnrt]', ' ', 'g')`;

/** Where an address may stand among other words, all of which are cleaned; `text` is an expression on the table's row. */
export const wordsOfPeople = [
  { name: 'record', column: 'name', text: 'name' },
  { name: 'record', column: 'number', text: 'number' },
  { name: 'record', column: 'external_id', text: 'external_id' },
  { name: 'removed_link', column: 'reasons', text: textOfJson('reasons') },
  { name: 'link_reason', column: 'key', text: 'key' },
  { name: 'thread_link', column: 'note', text: 'note' },
  { name: 'audit', column: 'ids', text: `(ids ->> 'note')` },
  { name: 'failure', column: 'accepted_reason', text: 'accepted_reason' },
  { name: 'connector', column: 'last_refused', text: textOfJson('last_refused') },
  { name: 'connector_change', column: 'ids', text: textOfJson('ids') },
  { name: 'idempotency_key', column: 'response', text: textOfJson('response') },
  { name: 'operation', column: 'task', text: textOfJson('task') },
] as const;
