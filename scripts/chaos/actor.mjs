// @ts-check
import { LmtpClient } from '../demo/lmtp.mjs';
import { diceOf } from '../demo/dice.mjs';
import { foldersLeftOut, OwnersClient } from './account.mjs';
import { letterOf } from './letters.mjs';

/** @typedef {import('./account.mjs').Account} Account */
/** @typedef {import('./letters.mjs').Letter} Letter */
/** @typedef {{client: OwnersClient, account: Account}} Owner */

/** What owners and senders do, and how often in a hundred. */
const operations = /** @type {const} */ ([
  ['deliver', 30],
  ['append', 12],
  ['append-again', 5],
  ['twin', 2],
  ['move', 14],
  ['copy', 6],
  ['flag', 12],
  ['expunge', 8],
  ['create-folder', 4],
  ['rename-folder', 4],
  ['recreate-folder', 2],
  ['delete-folder', 1],
]);

/** @typedef {(typeof operations)[number][0]} Operation */

const mostMessagesOfAFolder = 150;
const flags = ['\\Seen', '\\Flagged', '\\Answered'];
const folderNames = [
  'Projekte',
  'Angebote 2026',
  'Kunden/Zürich',
  'Ablage (alt), "neu"',
  'a\\b',
  'Archive/2025',
  '[Lists]',
];

/**
 * The people around the mailboxes: senders deliver, owners sort. They work on the server itself, and nothing that strikes the product stops them, except
 * that the server ends or refuses the password; then they come back.
 */
export class Actor {
  #server;
  #accounts;
  #dice;
  #pauseMs;
  #number = 0;
  /** @type {Map<Account, OwnersClient>} */
  #clients = new Map();
  /** @type {Map<Account, Letter[]>} the last ones, to be put there once more */
  #recent = new Map();
  /** @type {Promise<void>[]} */
  #lanes = [];
  #isOver = false;
  /** @type {Record<string, number>} */
  counts = {};
  failed = 0;

  /**
   * @param {object} wish
   * @param {{host: string, imapPort: number, lmtpPort: number}} wish.server
   * @param {Account[]} wish.accounts
   * @param {number} wish.seed
   * @param {number} wish.pauseMs between two operations of a lane
   */
  constructor({ server, accounts, seed, pauseMs }) {
    this.#server = server;
    this.#accounts = accounts;
    this.#dice = diceOf(`chaos mail ${seed}`);
    this.#pauseMs = pauseMs;
    for (const account of accounts) this.#clients.set(account, new OwnersClient(server, account));
  }

  /** Mail that is there before anything is connected. @param {number} messages of each mailbox */
  async fill(messages) {
    for (const account of this.#accounts) {
      for (const folder of ['Sent', 'Drafts', 'Trash', 'Junk', 'Archive', 'Projekte']) {
        await this.#of(account).with((client) => client.mailboxCreate(folder));
      }
      for (let n = 0; n < messages; n++) {
        const folder = this.#dice.pick(['INBOX', 'INBOX', 'INBOX', 'Sent', 'Projekte', 'Trash']);
        await this.#append(account, folder, this.#letter(account));
      }
    }
  }

  /** @param {number} lanes each has accounts of its own, so that an owner does one thing at a time */
  start(lanes) {
    for (let lane = 0; lane < lanes; lane++) {
      const mine = this.#accounts.filter((_, index) => index % lanes === lane);
      if (mine.length > 0) this.#lanes.push(this.#work(mine));
    }
  }

  /** Lets everybody finish, and hang up. */
  async stop() {
    this.#isOver = true;
    await Promise.all(this.#lanes);
    for (const client of this.#clients.values()) client.close();
  }

  /** @param {Account[]} accounts */
  async #work(accounts) {
    while (!this.#isOver) {
      const operation = this.#chosen();
      const account = this.#dice.pick(accounts);
      try {
        const did = await this.#do(operation, account);
        if (did) this.counts[operation] = (this.counts[operation] ?? 0) + 1;
      } catch {
        // The server was ended, or has another password just now: whether it was done is seen in what the server shows.
        this.failed += 1;
        this.#of(account).close();
      }
      await new Promise((wake) => setTimeout(wake, this.#dice.between(0, 2 * this.#pauseMs)));
    }
  }

  /** @returns {Operation} */
  #chosen() {
    let left = this.#dice.roll() * operations.reduce((sum, [, share]) => sum + share, 0);
    for (const [name, share] of operations) if ((left -= share) < 0) return name;
    return 'deliver';
  }

  /** @param {Operation} operation @param {Account} account @returns {Promise<boolean>} */
  async #do(operation, account) {
    if (operation === 'deliver') return this.#deliver(account);
    if (operation === 'append') return this.#append(account, await this.#anyFolder(account), this.#letter(account));
    if (operation === 'twin') return this.#append(account, 'INBOX', this.#letter(account, { isTwin: true }));
    if (operation === 'append-again') return this.#appendAgain(account);
    if (operation.endsWith('-folder')) return this.#changeFolders(operation, account);
    return this.#sort(operation, account);
  }

  /** To one, or to several at once: the same mail, with other transport headers. @param {Account} account */
  async #deliver(account) {
    const others = this.#dice.roll() < 0.2 ? this.#dice.shuffle(this.#accounts).slice(0, 2) : [];
    const letter = this.#letter(account);
    const lmtp = await LmtpClient.open({ host: this.#server.host, port: this.#server.lmtpPort });
    try {
      for (const { user } of new Set([account, ...others]))
        await lmtp.deliver({ from: letter.from, to: user, raw: letter.raw });
    } finally {
      lmtp.close();
    }
    return true;
  }

  /** @param {Account} account @param {string} folder @param {Letter} letter */
  async #append(account, folder, letter) {
    const given = this.#dice.roll() < 0.3 ? [this.#dice.pick(flags)] : [];
    const added = await this.#of(account).with((client) => client.append(folder, letter.raw, given));
    if (!added) return false;
    const recent = this.#recent.get(account) ?? [];
    this.#recent.set(account, [...recent, letter].slice(-5));
    return true;
  }

  /** @param {Account} account */
  async #appendAgain(account) {
    const letter = this.#dice.pick(this.#recent.get(account) ?? []);
    return letter !== undefined && this.#append(account, await this.#anyFolder(account), letter);
  }

  /** @param {'move' | 'copy' | 'flag' | 'expunge' | string} operation @param {Account} account */
  async #sort(operation, account) {
    const folders = await this.#folders(account);
    const from = this.#dice.roll() < 0.5 ? 'INBOX' : this.#dice.pick(folders);
    const to = this.#dice.pick(folders.filter((folder) => folder !== from));
    return this.#of(account).in(from, async (client) => {
      const all = (await client.search({ all: true }, { uid: true })) || [];
      const isFull = all.length > mostMessagesOfAFolder;
      const some = this.#dice
        .shuffle(all)
        .slice(0, isFull ? all.length - mostMessagesOfAFolder / 2 : this.#dice.between(1, 4));
      if (some.length === 0) return false;
      const uids = some.join(',');
      const isGone = operation === 'expunge' || isFull;
      if (isGone) return Boolean(await client.messageDelete(uids, { uid: true }));
      if (operation === 'move') return Boolean(await client.messageMove(uids, to, { uid: true }));
      if (operation === 'copy') return Boolean(await client.messageCopy(uids, to, { uid: true }));
      const [flag, isSet] = [this.#dice.pick(flags), this.#dice.roll() < 0.7];
      return isSet
        ? client.messageFlagsAdd(uids, [flag], { uid: true })
        : client.messageFlagsRemove(uids, [flag], { uid: true });
    });
  }

  /** @param {string} operation @param {Account} account */
  async #changeFolders(operation, account) {
    const own = (await this.#folders(account)).filter(
      (folder) => folder !== 'INBOX' && !['Sent', 'Archive', ...foldersLeftOut].includes(folder),
    );
    const free = folderNames.filter((name) => !own.includes(name));
    const folder = own.length === 0 ? undefined : this.#dice.pick(own);
    return this.#of(account).with(async (client) => {
      if (client.mailbox) await client.mailboxClose();
      if (operation === 'create-folder')
        return free.length > 0 && Boolean(await client.mailboxCreate(this.#dice.pick(free)));
      if (folder === undefined) return false;
      if (operation === 'rename-folder')
        return free.length > 0 && Boolean(await client.mailboxRename(folder, this.#dice.pick(free)));
      await client.mailboxDelete(folder);
      if (operation === 'delete-folder') return true;
      await client.mailboxCreate(folder);
      for (let n = this.#dice.between(0, 3); n > 0; n--) await client.append(folder, this.#letter(account).raw, []);
      return true;
    });
  }

  /** @param {Account} account */
  #folders(account) {
    return this.#of(account).with(async (client) =>
      (await client.list())
        .filter(({ flags: said }) => !said.has('\\Noselect') && !said.has('\\NonExistent'))
        .map(({ path }) => path),
    );
  }

  /** @param {Account} account */
  async #anyFolder(account) {
    return this.#dice.roll() < 0.6 ? 'INBOX' : this.#dice.pick(await this.#folders(account));
  }

  /** @param {Account} account @param {{isTwin?: boolean}} [wish] @returns {Letter} */
  #letter(account, { isTwin = false } = {}) {
    const number = ++this.#number;
    const twin = isTwin && number > 10 ? { twinOf: number - this.#dice.between(1, 9) } : {};
    return letterOf(this.#dice, { number, to: account.user, ...twin });
  }

  /** @param {Account} account @returns {OwnersClient} */
  #of(account) {
    return /** @type {OwnersClient} */ (this.#clients.get(account));
  }
}
