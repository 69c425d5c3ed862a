// @ts-check
import { connect } from 'node:net';

/**
 * What no client can beat: a plain IDLE connection to the same server that notes when it says EXISTS, and does nothing else.
 */
export class IdleFloor {
  #socket;
  #rest = '';
  #first = -1;
  /** @type {{at: number, count: number}[]} */
  #events = [];
  /** @type {Promise<void>} */
  #idling;

  /** @param {{host: string, imapPort: number, user: string, password: string}} server */
  constructor({ host, imapPort, user, password }) {
    this.#socket = connect({ host, port: imapPort });
    this.#socket.write(`a LOGIN "${user}" "${password}"\r\nb EXAMINE INBOX\r\nc IDLE\r\n`);
    this.#idling = new Promise((resolve, reject) => {
      this.#socket.on('error', reject);
      this.#socket.on('data', (bytes) => {
        const at = performance.now();
        const lines = (this.#rest + bytes.toString('latin1')).split('\r\n');
        this.#rest = lines.pop() ?? '';
        for (const line of lines) this.#read(line, at, resolve);
      });
    });
  }

  /** It idles from then on. */
  ready() {
    return this.#idling;
  }

  /**
   * @param {import('./deliveries.mjs').Delivered[]} delivered to this mailbox since it idles, in their order
   * @returns {number[]} ms from each 250 to the EXISTS that told of it; those it did not tell of are left out
   */
  times(delivered) {
    return delivered.flatMap(({ at }, index) => {
      const told = this.#events.find(({ count }) => count >= this.#first + index + 1);
      return told === undefined ? [] : [Math.max(0, told.at - at)];
    });
  }

  close() {
    this.#socket.destroy();
  }

  /** @param {string} line @param {number} at @param {() => void} isIdling */
  #read(line, at, isIdling) {
    const [, exists] = /^\* (\d+) EXISTS/.exec(line) ?? [];
    if (line.startsWith('+')) isIdling();
    if (exists === undefined) return;
    if (this.#first < 0) this.#first = Number(exists);
    else this.#events.push({ at, count: Number(exists) });
  }
}

/**
 * Floors for some mailboxes, all of them idling.
 * @param {{host: string, imapPort: number, password: string}} dovecot @param {string[]} users
 * @returns {Promise<{times: (delivered: import('./deliveries.mjs').Delivered[]) => number[], close: () => void}>}
 */
export async function openFloors(dovecot, users) {
  const floors = new Map(users.map((user) => [user, new IdleFloor({ ...dovecot, user })]));
  await Promise.all([...floors.values()].map((floor) => floor.ready()));
  return {
    times: (delivered) =>
      [...floors].flatMap(([user, floor]) => floor.times(delivered.filter(({ to }) => to === user))),
    close: () => floors.forEach((floor) => floor.close()),
  };
}
