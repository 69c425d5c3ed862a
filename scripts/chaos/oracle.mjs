// @ts-check
import { createHash } from 'node:crypto';
import { connect } from 'node:net';

import { keyOf } from './letters.mjs';

/**
 * What a server holds, read by a client that shares no code with the product: commands and answers as RFC 3501 has them, on a plain socket.
 * @typedef {object} Seen a message in a folder
 * @property {number} uid
 * @property {string} sha hex SHA-256 of BODY.PEEK[]
 * @property {string | null} key
 * @property {string[]} flags
 *
 * @typedef {{path: string, uidValidity: string, uidNext: number, messages: Seen[]}} SeenFolder
 */

/** @param {{host: string, port: number, user: string, password: string}} account @returns {Promise<SeenFolder[]>} */
export async function listServer({ host, port, user, password }) {
  const wire = await Wire.open(host, port);
  try {
    await wire.command(`LOGIN "${user}" "${password}"`);
    const folders = foldersOf(await wire.command('LIST "" "*"'));
    const seen = [];
    for (const { name, path } of folders) seen.push(await folderOf(wire, name, path));
    return seen;
  } finally {
    wire.close();
  }
}

/** @param {Wire} wire @param {string} name @param {string} path @returns {Promise<SeenFolder>} */
async function folderOf(wire, name, path) {
  const opened = (await wire.command(`EXAMINE ${quoted(name)}`)).toString('latin1');
  const uidValidity = /\[UIDVALIDITY (\d+)\]/.exec(opened)?.[1] ?? '';
  const uidNext = Number(/\[UIDNEXT (\d+)\]/.exec(opened)?.[1]);
  const exists = Number(/^\* (\d+) EXISTS/m.exec(opened)?.[1]);
  const answer = exists === 0 ? Buffer.alloc(0) : await wire.command('UID FETCH 1:* (FLAGS BODY.PEEK[])');
  const messages = messagesOf(answer);
  if (messages.length !== exists) throw new Error(`the oracle was shown ${messages.length} of ${exists} messages`);
  return { path, uidValidity, uidNext, messages };
}

/** @param {Buffer} answer @returns {Seen[]} */
export function messagesOf(answer) {
  const found = [];
  for (let from = 0; ;) {
    const begin = answer.indexOf('* ', from);
    const brace = begin < 0 ? -1 : answer.indexOf('}\r\n', begin);
    if (brace < 0) return found;
    const lines = answer.subarray(begin, brace).toString('latin1');
    // What the server tells unasked stands before it.
    const line = lines.slice(lines.lastIndexOf('\r\n') + 1);
    const size = Number(/BODY\[\] \{(\d+)$/.exec(line)?.[1]);
    if (Number.isNaN(size)) throw new Error('the oracle does not understand the server');
    const bytes = answer.subarray(brace + 3, brace + 3 + size);
    // The UID and the flags may come before the bytes or after them.
    const end = answer.indexOf('\r\n', brace + 3 + size);
    const around = line + answer.subarray(brace + 3 + size, end).toString('latin1');
    const flags = (/FLAGS \(([^)]*)\)/.exec(around)?.[1] ?? '').split(' ').filter((flag) => flag !== '');
    const sha = createHash('sha256').update(bytes).digest('hex');
    found.push({ uid: Number(/UID (\d+)/.exec(around)?.[1]), sha, key: keyOf(bytes), flags });
    from = end + 2;
  }
}

/** The folders that can be opened, from the answer to LIST. @param {Buffer} answer @returns {{name: string, path: string}[]} */
export function foldersOf(answer) {
  const text = answer.toString('latin1');
  const lines = text.matchAll(
    /^\* LIST \(([^)]*)\) (?:"[^"]*"|NIL) (?:\{(\d+)\}\r\n([\s\S]*?)(?=\r\n)|"((?:[^"\\]|\\.)*)"|(\S+))\r?$/gm,
  );
  return [...lines]
    .filter(([, flags = '']) => !/\\(Noselect|NonExistent)/i.test(flags))
    .map(([, , , literal, inQuotes, atom]) => literal ?? inQuotes?.replace(/\\(.)/g, '$1') ?? atom ?? '')
    .map((name) => ({ name, path: fromModifiedUtf7(name) }));
}

/** RFC 3501 5.1.3. @param {string} name */
function fromModifiedUtf7(name) {
  return name.replace(/&([^-]*)-/g, (_, coded) => {
    if (coded === '') return '&';
    const bytes = Buffer.from(coded.replaceAll(',', '/'), 'base64');
    return bytes
      .subarray(0, bytes.length & ~1)
      .swap16()
      .toString('utf16le');
  });
}

/** @param {string} name */
function quoted(name) {
  return `"${name.replace(/["\\]/g, '\\$&')}"`;
}

const patienceMs = 60_000;

/** One connection; one command at a time. */
class Wire {
  #socket;
  /** @type {Buffer[]} */
  #chunks = [];
  #number = 0;
  /** @type {Error | null} */
  #broken = null;
  #wake = () => {};

  /** @param {import('node:net').Socket} socket */
  constructor(socket) {
    this.#socket = socket;
    socket.on('data', (chunk) => {
      this.#chunks.push(chunk);
      this.#wake();
    });
    socket.on('error', (error) => this.#break(error));
    socket.on('close', () => this.#break(new Error('the server has closed the connection of the oracle')));
    socket.setTimeout(patienceMs, () => socket.destroy(new Error('the server does not answer the oracle')));
  }

  /** @param {string} host @param {number} port */
  static async open(host, port) {
    const wire = new Wire(connect({ host, port }));
    await wire.#until(/^\* OK[^\r\n]*\r\n$/);
    return wire;
  }

  /** @param {string} text @returns {Promise<Buffer>} the whole answer @throws Error the server refuses */
  async command(text) {
    const tag = `t${++this.#number}`;
    this.#chunks = [];
    this.#socket.write(`${tag} ${text}\r\n`);
    const answer = await this.#until(new RegExp(`(^|\\r\\n)${tag} (OK|NO|BAD)[^\\r\\n]*\\r\\n$`));
    if (!new RegExp(`(^|\\r\\n)${tag} OK`).test(tailOf(answer)))
      throw new Error(`the server refuses the oracle: ${tailOf(answer).trim().slice(-200)}`);
    return answer;
  }

  close() {
    this.#socket.end('z LOGOUT\r\n');
    this.#socket.setTimeout(1_000);
  }

  /** @param {RegExp} whole of the end of an answer @returns {Promise<Buffer>} */
  async #until(whole) {
    for (;;) {
      const last = this.#chunks.at(-1);
      if (last?.at(-1) === 10) {
        const all = Buffer.concat(this.#chunks);
        this.#chunks = [all];
        if (whole.test(tailOf(all))) return all;
      }
      if (this.#broken !== null) throw this.#broken;
      await new Promise((wake) => (this.#wake = () => wake(undefined)));
    }
  }

  /** @param {Error} error */
  #break(error) {
    this.#broken ??= error;
    this.#wake();
  }
}

/** @param {Buffer} answer */
function tailOf(answer) {
  return answer.subarray(-2_000).toString('latin1');
}
