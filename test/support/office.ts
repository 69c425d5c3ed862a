import { sharedDovecot } from './dovecot';
import { openMailClient, type MailClient } from './mail-client';
import { Product, until } from './product';

/** What the API answers, as far as a test looks at it. */
type Answer = Record<string, unknown>;

/** A message of a list. */
export interface ListedMessage {
  id: string;
  threadId: string;
  subject: string | null;
  preview: string | null;
  direction: string | null;
  hasAttachments: boolean | null;
  level: string;
}

/** A row of the ledger. */
export interface LedgerRow {
  folder: string;
  uid: number;
  outcome: string;
  reason: string | null;
  presence: string;
  messageId: string | null;
}

/** A company that uses the product: its mail account, and the calls that its CRM makes. */
export class Office {
  mailboxId = '';

  private constructor(
    readonly product: Product,
    /** The account, as a person's own mail program sees it. */
    readonly mail: MailClient,
    readonly address: string,
  ) {}

  /** Starts the product, and opens the account. */
  static async open(address: string): Promise<Office> {
    const [product, mail] = await Promise.all([Product.start(), openMailClient(sharedDovecot().imapPort, address)]);
    return new Office(product, mail, address);
  }

  async close(): Promise<void> {
    await this.mail.close();
    await this.product.stop();
  }

  /** Connects the account by a preset, with single values on top of it. */
  async connect(policy: { preset: string } & Record<string, unknown>, more: object = {}): Promise<void> {
    const made = await this.post('/v1/mailboxes', {
      address: this.address,
      imap: { host: '127.0.0.1', port: sharedDovecot().imapPort, security: 'none' },
      auth: { type: 'password', username: this.address, password: 'pass' },
      policy,
      ...more,
    });
    this.mailboxId = String(made['id']);
    // The first round has been: what comes from now on is new.
    await this.sync();
  }

  /** Looks into the account now; resolves when that is done. */
  async sync(): Promise<void> {
    await until(
      async () => (await this.product.call('POST', `/v1/mailboxes/${this.mailboxId}/sync`)).status === 200,
      90_000,
    );
  }

  /** A mail arrives, and has been taken up. */
  async receive(raw: Buffer, folder = 'INBOX'): Promise<number> {
    const uid = await this.mail.append(folder, raw);
    await this.sync();
    return uid;
  }

  /** A call that must succeed. */
  async post(path: string, body: object): Promise<Answer> {
    return this.successful('POST', path, body);
  }

  get(path: string): Promise<Answer> {
    return this.successful('GET', path);
  }

  async successful(method: string, path: string, body?: object): Promise<Answer> {
    const answer = await this.product.call(method, path, body);
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${JSON.stringify(answer.body)}`);
    return answer.body;
  }

  /** The same as one of the users sees it. */
  async getAs(userId: string, path: string): Promise<{ status: number; body: Answer }> {
    const { apiUrl, apiKey } = this.product;
    const headers = { authorization: `Bearer ${apiKey}`, 'letterbook-user': userId };
    const response = await fetch(`${apiUrl}${path}`, { headers });
    return { status: response.status, body: (await response.json()) as Answer };
  }

  /** Makes a record; its id. */
  async record(values: object): Promise<string> {
    return String((await this.post('/v1/records', { type: 'contact', ...values }))['id']);
  }

  /** Makes a user; their id. */
  async user(values: object): Promise<string> {
    return String((await this.post('/v1/users', values))['id']);
  }

  /** Items of a list. */
  async list<Item = ListedMessage>(path: string): Promise<Item[]> {
    return (await this.get(path))['items'] as Item[];
  }

  timeline(recordId: string): Promise<ListedMessage[]> {
    return this.list(`/v1/records/${recordId}/timeline`);
  }

  /** What a person would read of a record, newest first. */
  async subjects(recordId: string): Promise<(string | null)[]> {
    return (await this.timeline(recordId)).map(({ subject }) => subject);
  }

  unassigned(): Promise<ListedMessage[]> {
    return this.list('/v1/messages?unassigned=true');
  }

  ledger(): Promise<LedgerRow[]> {
    return this.list(`/v1/mailboxes/${this.mailboxId}/ledger`);
  }

  /** Waits for a job that the API has begun. */
  async finished(operationId: unknown): Promise<void> {
    await until(async () => (await this.get(`/v1/operations/${String(operationId)}`))['state'] === 'done', 60_000);
  }
}
