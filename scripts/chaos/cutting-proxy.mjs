// @ts-check
import { connect, createServer } from 'node:net';

/** @typedef {{client: import('node:net').Socket, server: import('node:net').Socket, passed: number}} Link */

/**
 * Stands between the product and a server, and lets bytes through until it is told to cut or to hold them. A cut is a reset, as of a firewall that has
 * forgotten the connection: what was not read by then is lost.
 */
export class CuttingProxy {
  /** @type {Set<Link>} */
  #links = new Set();
  /** @type {{left: number, struck: () => void} | null} */
  #armed = null;
  #server;
  #target;

  /** @param {{host: string, port: number}} target */
  constructor(target) {
    this.#target = target;
    this.#server = createServer((client) => this.#open(client));
    this.port = 0;
  }

  /** @param {{host: string, port: number}} target @returns {Promise<CuttingProxy>} listening on a port of its own */
  static async before(target) {
    const proxy = new CuttingProxy(target);
    await new Promise((listening, refused) => {
      proxy.#server.once('error', refused);
      proxy.#server.listen({ host: '127.0.0.1', port: 0 }, () => listening(undefined));
    });
    const address = proxy.#server.address();
    proxy.port = typeof address === 'object' && address !== null ? address.port : 0;
    return proxy;
  }

  get connections() {
    return this.#links.size;
  }

  /**
   * Cuts the connection over which the Nth byte from now comes, whichever it is.
   * @param {{bytes: number, withinMs: number}} wish
   * @returns {Promise<'cut' | 'idle'>} `idle`: so many did not come in time, and the connection that is open longest was cut; or there was none
   */
  async cutAfter({ bytes, withinMs }) {
    /** @type {NodeJS.Timeout | undefined} */
    let timer;
    const struck = new Promise((/** @type {(how: 'cut' | 'idle') => void} */ answer) => {
      const mine = { left: bytes, struck: () => answer('cut') };
      this.#armed = mine;
      timer = setTimeout(() => {
        if (this.#armed === mine) this.#armed = null;
        const [first] = this.#links;
        if (first === undefined) return answer('idle');
        this.#cut(first);
        answer('cut');
      }, withinMs);
    });
    const how = await struck;
    clearTimeout(timer);
    return how;
  }

  /** Cuts all. @returns {number} how many */
  cutAll() {
    const all = [...this.#links];
    for (const link of all) this.#cut(link);
    return all.length;
  }

  /**
   * Holds the bytes of one connection, in both directions, and lets them go on, or cuts it with what was held.
   * @param {{roll: number, forMs: number, then: 'go-on' | 'cut'}} wish
   * @returns {Promise<boolean>} false: there was no connection
   */
  async stall({ roll, forMs, then }) {
    const all = [...this.#links];
    const link = all[Math.floor(roll * all.length)];
    if (link === undefined) return false;
    link.client.pause();
    link.server.pause();
    await new Promise((over) => setTimeout(over, forMs));
    if (then === 'cut') this.#cut(link);
    link.client.resume();
    link.server.resume();
    return true;
  }

  close() {
    this.#server.close();
    this.cutAll();
  }

  /** @param {import('node:net').Socket} client */
  #open(client) {
    const server = connect(this.#target);
    const link = { client, server, passed: 0 };
    this.#links.add(link);
    client.setNoDelay(true);
    server.setNoDelay(true);
    this.#pass(link, client, server);
    this.#pass(link, server, client);
  }

  /** @param {Link} link @param {import('node:net').Socket} from @param {import('node:net').Socket} to */
  #pass(link, from, to) {
    from.on('data', (bytes) => {
      const armed = this.#armed;
      if (armed !== null && armed.left <= bytes.length) {
        this.#armed = null;
        // What was before the Nth byte still goes out: a line or a literal breaks off in the middle.
        to.write(bytes.subarray(0, armed.left), () => this.#cut(link));
        armed.struck();
        return;
      }
      if (armed !== null) armed.left -= bytes.length;
      if (!to.write(bytes)) from.pause();
    });
    to.on('drain', () => from.resume());
    from.on('end', () => to.end());
    from.on('error', () => this.#cut(link));
    from.on('close', () => {
      this.#links.delete(link);
      to.destroy();
    });
  }

  /** @param {Link} link */
  #cut(link) {
    this.#links.delete(link);
    link.client.resetAndDestroy();
    link.server.resetAndDestroy();
  }
}
