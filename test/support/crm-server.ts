import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A person, company or other record as this CRM keeps it. */
export interface CrmObject {
  id: string;
  kind: string;
  name: string;
  company?: string | null;
  emails?: { value: string; use?: string }[];
  deleted?: boolean;
  mergedInto?: string;
}

/** What the CRM was told, by its ids: the newest revision of each. */
export interface ToldItem {
  id: string;
  kind: string;
  revision: number;
  state: string;
  record: { externalId: string };
  message: { id: string; subject: string | null } | null;
}

/** One request that arrived. */
export interface CrmRequest {
  method: string;
  path: string;
  query: Record<string, string>;
  headers: IncomingMessage['headers'];
  body: string;
}

type Fault = (
  request: CrmRequest,
) => { status: number; headers?: Record<string, string>; body?: string } | 'hang up' | null;

/** A small CRM that is a real HTTP server: it pages, keeps a log of changes, wants a token, and misbehaves when it is told to. */
export class CrmServer {
  readonly requests: CrmRequest[] = [];
  readonly told = new Map<string, ToldItem>();
  /** How often each item was told. */
  readonly tellings: ToldItem[] = [];
  readonly token = 'crm-token-4711';
  readonly signingSecret = 'a secret of the test, long enough';
  /** Records on a page, whatever is asked for. */
  pageSize = 3;
  /** Each page begins with the last change of the page before. */
  sendsTwice = false;
  private readonly log: CrmObject[] = [];
  private faults: Fault[] = [];
  private port = 0;
  private readonly server = createServer((request, response) => {
    void this.answer(request, response);
  });

  static async start(): Promise<CrmServer> {
    const crm = new CrmServer();
    await new Promise<void>((resolve) => crm.server.listen(0, '127.0.0.1', resolve));
    crm.port = (crm.server.address() as AddressInfo).port;
    return crm;
  }

  /** Writes a change of a record. */
  change(...objects: CrmObject[]): void {
    this.log.push(...objects);
  }

  /** The next requests are answered so, one after the other; null: as always. */
  misbehave(...faults: Fault[]): void {
    this.faults.push(...faults);
  }

  /** What a connector to this CRM is made of. */
  get connector() {
    return {
      kind: 'http',
      name: 'The CRM',
      settings: {
        baseUrl: `http://127.0.0.1:${String(this.port)}/api`,
        pull: { path: '/changes', items: 'data.records', cursor: 'data.next', more: 'data.more' },
        find: { path: '/search', addressParameter: 'email', items: 'found' },
        push: { path: '/mail', batch: 2 },
        mapping: {
          type: { path: 'kind', values: { Person: 'contact', Organisation: 'company' } },
          companyExternalId: 'company',
          addresses: [
            {
              path: 'emails',
              address: 'value',
              kind: { path: 'use', values: { home: 'private' }, otherwise: 'business' },
            },
          ],
        },
      },
      secrets: { token: this.token, signingSecret: this.signingSecret },
    };
  }

  close(): Promise<void> {
    this.server.closeAllConnections();
    return new Promise((resolve) => {
      this.server.close(() => {
        resolve();
      });
    });
  }

  private async answer(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = '';
    for await (const chunk of incoming) body += String(chunk);
    const url = new URL(incoming.url ?? '/', 'http://crm');
    const request: CrmRequest = {
      method: incoming.method ?? '',
      path: url.pathname,
      query: Object.fromEntries(url.searchParams),
      headers: incoming.headers,
      body,
    };
    this.requests.push(request);
    const fault = this.faults.shift()?.(request) ?? null;
    if (fault === 'hang up') {
      incoming.socket.destroy();
      return;
    }
    if (fault !== null) {
      response.writeHead(fault.status, fault.headers).end(fault.body ?? '');
      return;
    }
    if (request.headers.authorization !== `Bearer ${this.token}`) {
      response.writeHead(401).end();
      return;
    }
    const answer = this.carryOut(request);
    response
      .writeHead(answer === null ? 404 : 200, { 'content-type': 'application/json' })
      .end(JSON.stringify(answer ?? {}));
  }

  private carryOut({ method, path, query, body }: CrmRequest): object | null {
    if (method === 'GET' && path === '/api/changes') return this.page(Number(query['cursor'] ?? 0));
    if (method === 'GET' && path === '/api/search') {
      return { found: this.log.filter(({ emails }) => emails?.some(({ value }) => value === query['email'])) };
    }
    if (method !== 'POST' || path !== '/api/mail') return null;
    for (const item of (JSON.parse(body) as { items: ToldItem[] }).items) {
      this.tellings.push(item);
      // By the rules of docs/connectors.md: once by id, and nothing that is older than what is known.
      if ((this.told.get(item.id)?.revision ?? 0) < item.revision) this.told.set(item.id, item);
    }
    return {};
  }

  private page(from: number): object {
    const begin = this.sendsTwice ? Math.max(0, from - 1) : from;
    const end = Math.min(this.log.length, from + this.pageSize);
    return { data: { records: this.log.slice(begin, end), next: end, more: end < this.log.length } };
  }
}
