import { listServer } from './imap-oracle';
import { until, type Product } from './product';

export interface LedgerItem {
  folder: string;
  uidValidity: string;
  uid: number;
  sha256: string | null;
  outcome: string;
  reason: string | null;
  presence: string;
  messageId: string | null;
}

/** A mailbox that is connected through the API. */
export interface ProductMailbox {
  id: string;
  user: string;
  port: number;
  ledger(): Promise<LedgerItem[]>;
  /** Waits until the ledger has this many rows. */
  untilRows(rows: number, timeoutMs?: number): Promise<void>;
}

/** Connects an account of the test's Dovecot with its whole history. */
export async function connectMailbox(
  product: Product,
  account: { port: number; user: string; password?: string; policy?: object },
): Promise<ProductMailbox> {
  const { port, user } = account;
  const answer = await product.call('POST', '/v1/mailboxes', {
    address: user,
    imap: { host: '127.0.0.1', port, security: 'none' },
    auth: { type: 'password', username: user, password: account.password ?? 'pass' },
    policy: { start: { from: 'everything' }, refreshSeconds: 60, ...account.policy },
  });
  if (answer.status !== 201) throw new Error(`connecting was answered with ${String(answer.status)}`);
  const id = String(answer.body['id']);
  const ledger = () => ledgerOf(product, id);
  return {
    id,
    user,
    port,
    ledger,
    untilRows: (rows, timeoutMs) =>
      until(async () => (await countRows(product, id).catch(() => -1)) === rows, timeoutMs ?? 60_000),
  };
}

/** Nothing missing, nothing twice: the ledger of INBOX is what an independent client sees. */
export async function expectProof(mailbox: ProductMailbox): Promise<void> {
  const server = await listServer({ port: mailbox.port, user: mailbox.user, folders: ['INBOX'] });
  const line = (row: { uidValidity: string; uid: number; sha256: string | null }) =>
    `${row.uidValidity} ${String(row.uid)} ${row.sha256 ?? ''}`;
  expect((await mailbox.ledger()).map(line).sort()).toEqual(server.map(line).sort());
}

async function countRows(product: Product, id: string): Promise<number> {
  const uuid = id.slice(4).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
  const rows = await product.db.acrossTenants((sql) =>
    sql.query<{ count: number }>('SELECT count(*) AS count FROM placement WHERE source_id = $1', [uuid]),
  );
  return rows[0]?.count ?? 0;
}

async function ledgerOf(product: Product, id: string): Promise<LedgerItem[]> {
  const response = await fetch(`${product.apiUrl}/v1/mailboxes/${id}/ledger`, {
    headers: { authorization: `Bearer ${product.apiKey}`, accept: 'application/x-ndjson' },
  });
  const lines = (await response.text()).split('\n').filter((line) => line !== '');
  return lines.map((line) => JSON.parse(line) as LedgerItem);
}
