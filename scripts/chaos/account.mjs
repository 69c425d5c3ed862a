// @ts-check
import { imapClient } from '../demo/deliver.mjs';

/**
 * A mailbox of the run, as its owner has it.
 * @typedef {object} Account
 * @property {string} user
 * @property {number} tenant
 * @property {'keep' | 'mirror'} removals
 * @property {string} password changes with the faults
 * @property {string} id mbx_..., once it is connected
 */

/** Mail in these is not for the CRM (product policy `folders: all`); the server gives them their roles. */
export const foldersLeftOut = ['Drafts', 'Junk', 'Trash'];

/** The owner's mail program: a connection past the proxy, made again whenever it is lost. */
export class OwnersClient {
  /** @type {import('imapflow').ImapFlow | null} */
  #client = null;

  /** @param {{host: string, imapPort: number}} server @param {Account} account */
  constructor(server, account) {
    this.server = server;
    this.account = account;
  }

  /** @template Result @param {(client: import('imapflow').ImapFlow) => Promise<Result>} work @returns {Promise<Result>} */
  async with(work) {
    const client = this.#client?.usable ? this.#client : await this.#connected();
    try {
      return await work(client);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** @template Result @param {string} folder @param {(client: import('imapflow').ImapFlow) => Promise<Result>} work @returns {Promise<Result>} */
  in(folder, work) {
    return this.with(async (client) => {
      await client.mailboxOpen(folder);
      return work(client);
    });
  }

  close() {
    this.#client?.close();
    this.#client = null;
  }

  async #connected() {
    const { user, password } = this.account;
    const client = imapClient({ ...this.server, user, password });
    await client.connect();
    this.#client = client;
    return client;
  }
}
