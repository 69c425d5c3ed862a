import { normaliseAddress } from '../domain/address';
import type { Sql } from './database';
import { maySee } from './record-readers';
import { principalsOf, type Reader } from './timeline-read';

/** Who takes part in a message, as `message.participants` holds it; never Bcc. */
export type StoredParticipants = Record<ParticipantRole, { name: string; address: string }[]>;

export const participantRoles = ['from', 'sender', 'replyTo', 'to', 'cc'] as const;
export type ParticipantRole = (typeof participantRoles)[number];

/** One person of a message, with the records that have the address. */
export interface Participant {
  name: string;
  address: string;
  recordIds: string[];
}

export type Participants = Record<ParticipantRole, Participant[]> & {
  /** How many were left out, where a list is cut. */
  omitted: number;
};

/** Joins the addresses of messages with the records that have them and that the reader may see, in one query; of each role at most `perRole` come. */
export async function withRecords(
  sql: Sql,
  reader: Reader,
  of: { participants: StoredParticipants[]; perRole: number },
): Promise<Participants[]> {
  const cut = of.participants.map((stored) => cutTo(stored, of.perRole));
  const addresses = cut.flatMap((stored) =>
    participantRoles.flatMap((role) => stored.shown[role].map((one) => one.address)),
  );
  const recordIds = await recordsOfAddresses(sql, reader, addresses);
  return cut.map(({ shown, omitted }) => {
    const joined = (role: ParticipantRole) =>
      shown[role].map((one) => ({ ...one, recordIds: recordIds.get(one.address) ?? [] }));
    return {
      from: joined('from'),
      sender: joined('sender'),
      replyTo: joined('replyTo'),
      to: joined('to'),
      cc: joined('cc'),
      omitted,
    };
  });
}

function cutTo(stored: StoredParticipants, perRole: number): { shown: StoredParticipants; omitted: number } {
  const shown: StoredParticipants = { ...stored };
  let omitted = 0;
  for (const role of participantRoles) {
    shown[role] = stored[role].slice(0, perRole);
    omitted += stored[role].length - shown[role].length;
  }
  return { shown, omitted };
}

/** The ids of records by address, as the address is written in the messages. */
async function recordsOfAddresses(sql: Sql, reader: Reader, addresses: string[]): Promise<Map<string, string[]>> {
  const keys = new Map([...new Set(addresses)].map((address) => [address, normaliseAddress(address)]));
  const rows = await sql.query<{ address_key: string; record_ids: string[] }>(
    `SELECT a.address_key, array_agg(r.id ORDER BY r.id) AS record_ids FROM record_address a
     JOIN record r ON r.tenant_id = a.tenant_id AND r.id = a.record_id AND r.deleted_at IS NULL
     WHERE a.tenant_id = $1 AND a.address_key = ANY ($2::text[]) AND ${maySee('r', '$3')} GROUP BY a.address_key`,
    [reader.tenantId, [...new Set([...keys.values()].filter((key) => key !== null))], principalsOf(reader)],
  );
  const byKey = new Map(rows.map((row) => [row.address_key, row.record_ids]));
  return new Map([...keys].map(([address, key]) => [address, (key === null ? undefined : byKey.get(key)) ?? []]));
}
