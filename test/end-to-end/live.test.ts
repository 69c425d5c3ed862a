import { spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { importScript } from '../support/import-script';

const projectDir = join(__dirname, '..', '..');

let home: string;

beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'letterbook-live-'));
  chmodSync(home, 0o755);
});

afterAll(() => rmSync(home, { recursive: true, force: true }));

interface Script {
  child: ChildProcess;
  /** All that it says until it ends, or until these words. */
  said: (words?: string) => Promise<string>;
  ended: Promise<number | null>;
}

/** One of our scripts on the test's data, without what the environment of the tests names. */
function script(name: string, more: Record<string, string> = {}): Script {
  const outside = [
    'DATABASE_URL',
    'DATABASE_OWNER_URL',
    'TEMPORAL_ADDRESS',
    'LETTERBOOK_SECRET_KEYS',
    'LETTERBOOK_DEMO',
  ];
  const env = Object.fromEntries(Object.entries(process.env).filter(([variable]) => !outside.includes(variable)));
  const child = spawn(process.execPath, [join(projectDir, 'scripts', name)], {
    env: { ...env, NODE_ENV: 'production', LETTERBOOK_HOME: home, ...more },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes: Buffer) => (text += bytes.toString()));
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  const said = (words?: string) =>
    new Promise<string>((resolve) => {
      const look = () => {
        if (words !== undefined && text.includes(words)) resolve(text);
      };
      child.stdout.on('data', look);
      void ended.then(() => resolve(text));
      look();
    });
  return { child, said, ended };
}

/** Other tests start on the usual ports meanwhile. */
async function portsOfItsOwn(): Promise<Record<string, string>> {
  const { freePort } = await importScript<{ freePort: () => Promise<number> }>('scripts/lib/ports.mjs');
  const wanted = ['', '_TEMPORAL', '_TEMPORAL_UI', '_POSTGRES', '_DEMO_IMAP'];
  const ports = await Promise.all(wanted.map(freePort));
  return Object.fromEntries(wanted.map((name, index) => [`LETTERBOOK${name}_PORT`, String(ports[index])]));
}

test('without a Letterbook that runs, delivering says in a sentence what to do', async () => {
  const deliver = script('deliver.mjs');
  expect(await deliver.ended).toBe(1);
  expect(await deliver.said()).toMatch(/Letterbook is not running\. Start it with `npm start`/);
});

describe('beside `npm start`', () => {
  let start: Script;

  beforeAll(async () => {
    start = script('start.mjs', await portsOfItsOwn());
    await start.said('Ctrl-C ends everything.');
  }, 300_000);

  afterAll(async () => {
    start.child.kill('SIGTERM');
    await start.ended;
  });

  test('the command that delivers a mail is printed, with the data directory it needs', async () => {
    expect(await start.said('Ctrl-C')).toContain(`LETTERBOOK_HOME=${home} npm run deliver`);
  });

  test("a delivered mail is shown in the customer's timeline, with the seconds it took", async () => {
    const deliver = script('deliver.mjs');
    const said = await deliver.said();
    const [, number = 'no number'] = /\(enquiry (\d+)\)/.exec(said) ?? [];
    expect(said).toMatch(/\d+\.\d\d seconds from the mail server's 250 to the timeline/);
    // Above, where it is announced, and in the table.
    expect(said.split('Two more loggers').length).toBeGreaterThan(2);
    expect(said).toContain(number);
    expect(await deliver.ended).toBe(0);
  });
});
