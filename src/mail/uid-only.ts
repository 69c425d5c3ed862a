import type { ImapFlow } from 'imapflow';

import { MailFailure } from '../domain/failure';
import { internalsOf } from './imapflow-internals';

interface ExecOptions {
  untagged: Record<string, (answer: { attributes?: { value?: unknown }[] }) => Promise<void>>;
}

/**
 * Asks for messages to be named by their UIDs alone (UIDONLY, RFC 9586), which some servers have for folders that they show only a part of to
 * who counts by sequence numbers: Yahoo shows 10,000 messages of 83,640. From then on FETCH is answered by UIDFETCH, which imapflow does
 * not know, and is read as what it stands for. Answers whether the server has agreed; it lasts as long as the connection.
 * @throws MailFailure or an error of imapflow where the connection is lost
 */
export async function askForUidOnly(imapflow: ImapFlow): Promise<boolean> {
  const client = internalsOf<ExecOptions>(imapflow);
  const has = (name: string): boolean => [...client.capabilities.keys()].some((one) => one.toUpperCase() === name);
  if (!has('UIDONLY') || !has('ENABLE')) return false;
  const mode = { agreed: false };
  const handle = client.handleResponse.bind(client);
  client.handleResponse = (line) => handle(mode.agreed ? withSequenceNumber(line) : line);
  try {
    const answered = await client.exec('ENABLE', [{ type: 'ATOM', value: 'UIDONLY' }], {
      untagged: {
        ENABLED: ({ attributes = [] }) => {
          mode.agreed ||= attributes.some(({ value }) => String(value).toUpperCase() === 'UIDONLY');
          return Promise.resolve();
        },
      },
    });
    answered.next();
  } catch (error) {
    // Refused, although it is announced: it goes on as any other server does.
    if (error instanceof MailFailure || !client.usable) throw error;
  }
  return mode.agreed;
}

/** `* 25900 UIDFETCH (FLAGS ())` as `* 25900 FETCH (UID 25900 FLAGS ())`: the number that no message has any more is its UID. */
function withSequenceNumber(line: unknown): unknown {
  if (typeof line !== 'object' || line === null || !('payload' in line) || !Buffer.isBuffer(line.payload)) return line;
  const [head = '', uid = ''] =
    /^\* (\d{1,10}) UIDFETCH \( ?/i.exec(line.payload.toString('latin1', 0, headBytes)) ?? [];
  if (head === '') return line;
  const items = line.payload.subarray(head.length);
  const space = items[0] === closing ? '' : ' ';
  // The line itself is what imapflow waits for to be released.
  return Object.assign(line, { payload: Buffer.concat([Buffer.from(`* ${uid} FETCH (UID ${uid}${space}`), items]) });
}

const headBytes = 32;
const closing = ')'.charCodeAt(0);
