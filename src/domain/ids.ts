/** Prefixes of public ids. A public id is `<prefix>_<uuid without dashes>`, the uuid being time-ordered (RFC 9562, version 7). */
export const idPrefixes = {
  mailbox: 'mbx',
  message: 'msg',
  copy: 'cpy',
  thread: 'thr',
  record: 'rec',
  merge: 'mrg',
  link: 'lnk',
  failure: 'fai',
  operation: 'opn',
  user: 'usr',
  team: 'tea',
  apiKey: 'key',
  folder: 'fld',
  tenant: 'tnt',
  event: 'evt',
  reconciliation: 'rcn',
  notice: 'ntc',
  deletion: 'del',
  connector: 'con',
  activity: 'act',
  audit: 'aud',
} as const;

export type IdKind = keyof typeof idPrefixes;

/** The public form of an id: `mbx_0192f0c1...`. `uuid` is the database's form. */
export function publicId(kind: IdKind, uuid: string): string {
  return `${idPrefixes[kind]}_${uuid.replaceAll('-', '')}`;
}

/** The database's form of a public id, or null where it is not one of that kind. */
export function uuidOf(kind: IdKind, id: string): string | null {
  const match = /^([a-z]{3})_([0-9a-f]{32})$/.exec(id);
  if (match?.[1] !== idPrefixes[kind] || match[2] === undefined) return null;
  return match[2].replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
