// @ts-check
import { connect } from 'node:net';

/** @typedef {{host: string, port: number}} LmtpServer */
/** @typedef {{from: string, to: string, raw: Buffer}} Delivery `raw` with CRLF line ends */
/** @typedef {{lines: string[], arrivedAt: number}} Reply */

/**
 * One connection that hands over mail by LMTP (RFC 2033): a server's 250 after the bytes says that the message is in that mailbox, so
 * the moment it comes is where the time of an arrival begins. One delivery at a time.
 */
export class LmtpClient {
  #socket;
  #rest = '';
  /** @type {string[]} */
  #lines = [];
  /** @type {{resolve: (reply: Reply) => void, reject: (error: Error) => void} | null} */
  #waiting = null;
  /** @type {Error | null} */
  #broken = null;

  /** @param {import('node:net').Socket} socket */
  constructor(socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (bytes) => this.#read(bytes.toString('latin1')));
    socket.on('error', (error) => this.#break(error));
    socket.on('close', () => this.#break(new Error('The mail server has closed the connection.')));
  }

  /** @param {LmtpServer} server @returns {Promise<LmtpClient>} after LHLO @throws Error nothing answers there */
  static async open({ host, port }) {
    const client = new LmtpClient(connect({ host, port }));
    await client.#expect('220', null);
    await client.#expect('250', 'LHLO letterbook.example\r\n');
    return client;
  }

  /**
   * @param {Delivery} delivery
   * @returns {Promise<number>} when the 250 came (performance.now)
   * @throws Error the server refuses it
   */
  async deliver({ from, to, raw }) {
    await this.#expect('250', `MAIL FROM:<${from}>\r\n`);
    await this.#expect('250', `RCPT TO:<${to}>\r\n`);
    await this.#expect('354', 'DATA\r\n');
    const { arrivedAt } = await this.#expect('250', `${transparent(raw)}.\r\n`);
    return arrivedAt;
  }

  close() {
    this.#socket.end('QUIT\r\n');
  }

  /** @param {string} code @param {string | null} command @returns {Promise<Reply>} */
  async #expect(code, command) {
    /** @type {Promise<Reply>} */
    const reply = new Promise((resolve, reject) => {
      if (this.#broken) return reject(this.#broken);
      this.#waiting = { resolve, reject };
      if (command !== null) this.#socket.write(command, 'latin1');
    });
    const { lines, arrivedAt } = await reply;
    const last = lines.at(-1) ?? '';
    if (!last.startsWith(code)) throw new Error(`The mail server does not take the message: ${last}`);
    return { lines, arrivedAt };
  }

  /** @param {string} text */
  #read(text) {
    const arrivedAt = performance.now();
    const lines = (this.#rest + text).split('\r\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) {
      this.#lines.push(line);
      if (/^\d{3}-/.test(line)) continue;
      const reply = { lines: this.#lines, arrivedAt };
      this.#lines = [];
      this.#waiting?.resolve(reply);
    }
  }

  /** @param {Error} error */
  #break(error) {
    this.#broken ??= error;
    this.#waiting?.reject(this.#broken);
  }
}

/** RFC 5321 4.5.2: a line that begins with a dot gets one more. @param {Buffer} raw */
function transparent(raw) {
  const text = raw.toString('latin1').replace(/^\./gm, '..');
  return text.endsWith('\r\n') ? text : `${text}\r\n`;
}
