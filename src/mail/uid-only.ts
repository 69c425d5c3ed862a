import type { ImapFlow } from 'imapflow';

import { MailFailure } from '../domain/failure';

interface Answered {
  next: () => void;
}

/** What is used of imapflow that it does not publish. The version is pinned. */
interface Internals {
  exec: (
    command: string,
    args: unknown[],
    options: { untagged: Record<string, (answer: { attributes?: { value?: unknown }[] }) => Promise<void>> },
  ) => Promise<Answered>;
  /** Takes one line; what stands in literals is beside it. */
  handleResponse: (line: unknown) => Promise<boolean>;
}

/**
 * Asks for messages to be named by their UIDs alone (UIDONLY, RFC 9586), which some servers have for folders that they show only a part of to
 * who counts by sequence numbers: Yahoo shows 10,000 messages of 83,640. From then on FETCH is answered by UIDFETCH, which imapflow does
 * not know, and is read as what it stands for. Answers whether the server has agreed; it lasts as long as the connection.
 * @throws MailFailure or an error of imapflow where the connection is lost
 */
export async function askForUidOnly(client: ImapFlow): Promise<boolean> {
  const has = (name: string): boolean => [...client.capabilities.keys()].some((one) => one.toUpperCase() === name);
  if (!has('UIDONLY') || !has('ENABLE')) return false;
  if (!isKnown(client)) throw new Error('This version of imapflow has other internals than this is written for.');
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

function isKnown(client: ImapFlow): client is ImapFlow & Internals {
  return ['exec', 'handleResponse'].every((name) => typeof Reflect.get(client, name) === 'function');
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
