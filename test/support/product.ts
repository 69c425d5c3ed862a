import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, mkdtempSync, readFileSync, rmSync, chmodSync, existsSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { bootstrap } from '../../src/bootstrap';
import { openDatabase, type Database } from '../../src/db/database';
import { migrate } from '../../src/db/migrate';
import { importScript } from './import-script';

interface Running {
  pid: number;
  stop(graceMs?: number): Promise<void>;
}

interface Scripts {
  postgres: {
    startPostgres(wish: object): Promise<{ ownerUrl: string; appUrl: string; process: Running }>;
  };
  temporal: {
    findTemporal(wish: object): Promise<object>;
    startTemporal(wish: object): Promise<{ address: string; process: Running }>;
  };
  processes: { ProcessRecords: new (file: string) => object };
  ports: { freePort(): Promise<number> };
}

/** A process of the product; further workers have names of their own. */
export type ChildName = 'server' | 'worker' | `worker-${number}`;

const dist = join(__dirname, '..', '..', 'dist');

/** The whole product as processes of its own, with its own Postgres and Temporal server, so that a test may kill any of them. */
export class Product {
  readonly home = mkdtempSync(join(tmpdir(), 'letterbook-product-'));
  readonly logFile = join(this.home, 'processes.log');
  apiUrl = '';
  apiKey = '';
  appUrl = '';
  db!: Database;
  private scripts!: Scripts;
  private records!: object;
  private postgresPort = 0;
  private temporalPort = 0;
  private apiPort = 0;
  private postgres: Running | null = null;
  private temporal: Running | null = null;
  private readonly children = new Map<ChildName, ChildProcess>();

  /** Starts everything. The worker has all roles, unless they are named: `sync,bulk`. */
  static async start(workerRoles: string | null = null): Promise<Product> {
    const product = new Product();
    chmodSync(product.home, 0o755);
    product.scripts = {
      postgres: await importScript<Scripts['postgres']>('scripts/lib/postgres.mjs'),
      temporal: await importScript<Scripts['temporal']>('scripts/lib/temporal.mjs'),
      processes: await importScript<Scripts['processes']>('scripts/lib/processes.mjs'),
      ports: await importScript<Scripts['ports']>('scripts/lib/ports.mjs'),
    };
    product.records = new product.scripts.processes.ProcessRecords(join(product.home, 'processes.json'));
    product.postgresPort = await product.scripts.ports.freePort();
    product.temporalPort = await product.scripts.ports.freePort();
    product.apiPort = await product.scripts.ports.freePort();
    await Promise.all([product.startPostgres(), product.startTemporal()]);
    product.db = openDatabase({ url: product.appUrl, poolSize: 3, applicationName: 'test' });
    const { apiKey } = await bootstrap({ db: product.db, keyFile: join(product.home, 'api-key') });
    product.apiKey = apiKey;
    product.apiUrl = `http://127.0.0.1:${String(product.apiPort)}`;
    product.spawnChild('server');
    product.spawnChild('worker', workerRoles);
    await product.untilReady();
    return product;
  }

  async startPostgres(): Promise<void> {
    const { records, home, postgresPort: port } = this;
    const logFile = join(home, 'postgres.log');
    const started = await this.scripts.postgres.startPostgres({ home, port, records, logFile });
    this.postgres = started.process;
    this.appUrl = started.appUrl;
    await migrate({ ownerUrl: started.ownerUrl, appUrl: started.appUrl });
  }

  async startTemporal(): Promise<void> {
    const program = await this.scripts.temporal.findTemporal({ env: process.env, say: () => undefined });
    const { temporalPort: port, records } = this;
    const [databaseFile, logFile] = [join(this.home, 'temporal.db'), join(this.home, 'temporal.log')];
    const started = await this.scripts.temporal.startTemporal({
      program,
      port,
      uiPort: null,
      databaseFile,
      records,
      logFile,
    });
    this.temporal = started.process;
  }

  /** The end that nobody prepares for. */
  async kill(what: 'postgres' | 'temporal' | ChildName): Promise<void> {
    if (what !== 'postgres' && what !== 'temporal') {
      const child = this.children.get(what);
      if (child?.exitCode !== null) return;
      child.kill('SIGKILL');
      await once(child, 'exit');
      return;
    }
    const running = what === 'postgres' ? this.postgres : this.temporal;
    if (running === null) return;
    process.kill(running.pid, 'SIGKILL');
    await running.stop(1_000);
  }

  /** All that Temporal knew. */
  forgetTemporal(): void {
    for (const suffix of ['', '-wal', '-shm']) rmSync(join(this.home, `temporal.db${suffix}`), { force: true });
  }

  spawnChild(what: ChildName, roles: string | null = null): void {
    const script = join(dist, what === 'server' ? 'server.js' : 'worker.js');
    if (!existsSync(script)) throw new Error('dist is missing: run `npm run build`, or the tests with `npm test`.');
    const child = spawn(process.execPath, [script, ...(roles === null ? [] : ['--roles', roles])], {
      env: this.environment(),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const log = createWriteStream(this.logFile, { flags: 'a' });
    child.stdout.pipe(log);
    child.stderr.pipe(log);
    this.children.set(what, child);
  }

  pidOf(what: ChildName): number {
    const pid = this.children.get(what)?.pid;
    if (pid === undefined) throw new Error(`there is no ${what}`);
    return pid;
  }

  get logs(): string {
    return readFileSync(this.logFile, 'utf8');
  }

  get temporalAddress(): string {
    return `127.0.0.1:${String(this.temporalPort)}`;
  }

  private readonly secretKeys = `k1:${randomBytes(32).toString('base64')}`;

  private environment(): NodeJS.ProcessEnv {
    return {
      PATH: process.env['PATH'],
      DATABASE_URL: this.appUrl,
      TEMPORAL_ADDRESS: this.temporalAddress,
      LETTERBOOK_HOME: this.home,
      LETTERBOOK_PORT: String(this.apiPort),
      LETTERBOOK_SECRET_KEYS: this.secretKeys,
      LETTERBOOK_ALLOWED_NETWORKS: '127.0.0.0/8',
    };
  }

  /** One call of the API; the answer's body, parsed. */
  async call(method: string, path: string, body?: unknown): Promise<{ status: number; body: Record<string, unknown> }> {
    const response = await fetch(`${this.apiUrl}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${this.apiKey}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, body: (text === '' ? {} : JSON.parse(text)) as Record<string, unknown> };
  }

  async untilReady(): Promise<void> {
    await until(async () => (await fetch(`${this.apiUrl}/readyz`).catch(() => null))?.status === 200, 60_000);
  }

  async stop(): Promise<void> {
    const running = [...this.children.values()].filter((child) => child.exitCode === null && child.signalCode === null);
    await Promise.all(
      running.map((child) => {
        const ended = once(child, 'exit');
        child.kill('SIGTERM');
        return ended;
      }),
    );
    await this.db.close();
    await Promise.all([this.postgres?.stop(), this.temporal?.stop()]);
    rmSync(this.home, { recursive: true, force: true });
  }
}

/** Waits for something that takes its time. @throws Error when it has not come about in time */
export async function until(condition: () => Promise<boolean>, timeoutMs = 30_000): Promise<void> {
  const endsAt = Date.now() + timeoutMs;
  while (!(await condition())) {
    if (Date.now() > endsAt) throw new Error(`it did not come about within ${String(timeoutMs)} ms`);
    await sleep(150);
  }
}
