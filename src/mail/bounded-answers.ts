import { setImmediate as setImmediately } from 'node:timers/promises';

import type { ImapFlow } from 'imapflow';

import { MailFailure } from '../domain/failure';
import { internalsOf, type ImapflowInternals } from './imapflow-internals';

interface Attribute {
  value?: unknown;
}

/** An untagged answer as imapflow hands it to its handlers; a SEARCH of plain numbers has these in place of attributes. */
interface Untagged {
  attributes?: (Attribute | Attribute[])[];
  numbers?: number[];
}

type Handler = (answer: Untagged) => Promise<void>;

interface ExecOptions {
  untagged?: Record<string, Handler>;
}

type Exec = ImapflowInternals<ExecOptions>['exec'];
type HandleResponse = ImapflowInternals<ExecOptions>['handleResponse'];

/** The numbers that one search may find; a big folder is searched by ranges of fewer messages. */
const mostFound = 200_000;

/** The longest set that is counted: of as many numbers as a big folder is asked for at once, one by one. */
const longestSet = 550_000;

/** A line takes some 20 microseconds, so this is a millisecond or two. */
const linesPerTurn = 100;

/**
 * Keeps imapflow from working off at once what a server says in a few bytes: sets of numbers (`ESEARCH ALL 1:4294967295`,
 * `VANISHED 1:4294967295`), which it walks up to 16 million, and many short lines in one chunk, for which it does not let go of the
 * event loop. A search whose answers have more numbers than the folder can have fails as `garbled-answer`: cut to the number of the
 * messages, as imapflow does it, they would look like a proven listing.
 */
export function boundAnswers(imapflow: ImapFlow): void {
  const client = internalsOf<ExecOptions>(imapflow);
  client.exec = tellingWhatWasAsked(client, boundedSearches(client, client.exec.bind(client)));
  // RFC 7162 3.2.10: only after ENABLE QRESYNC, which is never sent. Believed, it would prove a folder to be empty.
  Reflect.set(client, 'untaggedVanished', () => Promise.resolve());
  client.handleResponse = inTurns(client.handleResponse.bind(client));
}

/** A failed command says what stood in it, for `classify.ts`: servers repeat names in their answers. */
function tellingWhatWasAsked(client: ImapFlow, exec: Exec): Exec {
  return async (command, args, options) => {
    try {
      return await exec(command, args, options);
    } catch (error) {
      if (error instanceof Error && !(error instanceof MailFailure)) {
        const selected = client.mailbox === false ? [] : [client.mailbox.path];
        Object.assign(error, { asked: [...textsIn(args), ...selected] });
      }
      throw error;
    }
  };
}

function textsIn(args: unknown): string[] {
  if (!Array.isArray(args)) return [];
  return args.flatMap((one: Attribute | string | null) => {
    const value = typeof one === 'object' ? one?.value : one;
    return typeof value === 'string' ? [value] : [];
  });
}

function boundedSearches(client: ImapFlow, exec: Exec): Exec {
  return async (command, args, options) => {
    const { SEARCH: list, ESEARCH: expand } = options?.untagged ?? {};
    if (list === undefined || expand === undefined) return exec(command, args, options);
    const existed = existsOf(client);
    let found = 0;
    const within =
      (sizeOf: (answer: Untagged) => number, handler: Handler): Handler =>
      async (answer) => {
        found += sizeOf(answer);
        if (found > mostFound) found = Infinity;
        else await handler(answer);
      };
    const expandable = (answer: Untagged): number => {
      const size = sizeOfAll(answer);
      return size > Math.max(existed, existsOf(client)) ? Infinity : size;
    };
    const answered = await exec(command, args, {
      ...options,
      untagged: {
        ...options?.untagged,
        SEARCH: within(({ numbers, attributes }) => (numbers ?? attributes ?? []).length, list),
        ESEARCH: within(expandable, expand),
      },
    });
    if (found < Infinity) return answered;
    answered.next();
    throw new MailFailure('unreachable', command, { code: 'garbled-answer' });
  };
}

function existsOf({ mailbox }: ImapFlow): number {
  return mailbox === false ? 0 : mailbox.exists;
}

/** RFC 4731 3.1: what follows ALL. */
function sizeOfAll({ attributes = [] }: Untagged): number {
  const at = attributes.findIndex((one) => !Array.isArray(one) && /^all$/i.test(String(one.value)));
  return at < 0 ? 0 : sizeOfSet(attributes[at + 1]);
}

/** How many numbers a sequence set stands for; what is no number stands for none. */
function sizeOfSet(set: Attribute | Attribute[] | undefined): number {
  if (set === undefined || Array.isArray(set) || typeof set.value !== 'string') return 0;
  if (set.value.length > longestSet) return Infinity;
  let size = 0;
  for (const range of set.value.split(',')) {
    const [from = 0, to = from] = range.split(':').map(Number);
    const length = Math.abs(to - from) + 1;
    if (length >= 1) size += length;
  }
  return size;
}

/** Lets other work of the process go first after so many lines that came at once. */
function inTurns(handle: HandleResponse): HandleResponse {
  let lines = 0;
  return (line) => {
    if (lines === 0) {
      setImmediate(() => {
        lines = 0;
      });
    }
    lines += 1;
    return lines > linesPerTurn ? setImmediately().then(() => handle(line)) : handle(line);
  };
}
