import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { join } from 'node:path';

import { importScript } from '../support/import-script';

interface Ports {
  choosePort: (wish: {
    variable: string;
    fallback: number;
    env: Record<string, string>;
    say?: (line: string) => void;
    avoid?: Set<number>;
  }) => Promise<number>;
  freePort: () => Promise<number>;
  isPortTaken: (port: number) => Promise<boolean>;
}

let ports: Ports;
let listening: Server;
let taken: number;

beforeAll(async () => {
  ports = await importScript<Ports>('scripts/lib/ports.mjs');
  listening = createServer();
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
  taken = (listening.address() as AddressInfo).port;
});

afterAll(() => new Promise((resolve) => listening.close(resolve)));

test('a taken default moves to the next free port and says so', async () => {
  const said: string[] = [];
  const port = await ports.choosePort({
    variable: 'LETTERBOOK_PORT',
    fallback: taken,
    env: {},
    say: (line) => said.push(line),
  });
  expect(port).toBeGreaterThan(taken);
  expect(await ports.isPortTaken(port)).toBe(false);
  expect(said).toEqual([`port ${taken} is taken, using ${port} (LETTERBOOK_PORT chooses)`]);
});

test('a free default is taken without a word', async () => {
  const free = await ports.freePort();
  const say = jest.fn();
  expect(await ports.choosePort({ variable: 'LETTERBOOK_PORT', fallback: free, env: {}, say })).toBe(free);
  expect(say).not.toHaveBeenCalled();
});

test('a default that another start has chosen, and does not listen on yet, is left to it until it has ended', async () => {
  const free = await ports.freePort();
  const wish = { variable: 'LETTERBOOK_PORT', fallback: free, env: {} };
  const script = join(__dirname, '..', '..', 'scripts', 'lib', 'ports.mjs');
  const program = `const { choosePort } = await import(${JSON.stringify(script)});
    console.log(await choosePort(${JSON.stringify(wish)})); process.stdin.resume(); process.stdin.on('end', () => process.exit());`;
  const other = spawn(process.execPath, ['--input-type=module', '--eval', program], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const [chosen] = (await once(other.stdout, 'data')) as [Buffer];
  expect(Number(chosen)).toBe(free);
  expect(await ports.choosePort(wish)).toBeGreaterThan(free);
  other.stdin.end();
  await once(other, 'exit');
  expect(await ports.choosePort(wish)).toBe(free);
});

test('a taken port that was asked for by name is an error with a remedy', async () => {
  const env = { LETTERBOOK_PORT: String(taken) };
  await expect(ports.choosePort({ variable: 'LETTERBOOK_PORT', fallback: 8080, env })).rejects.toThrow(
    `Port ${taken}, asked for by LETTERBOOK_PORT, is taken. Stop what listens there, or choose another.`,
  );
});

test.each(['http', '0', '65536', '80.5'])('"%s" is not a port', async (asked) => {
  const env = { LETTERBOOK_PORT: asked };
  await expect(ports.choosePort({ variable: 'LETTERBOOK_PORT', fallback: 8080, env })).rejects.toThrow(
    `LETTERBOOK_PORT is "${asked}", which is not a port.`,
  );
});

test('two servers of one start never get the same port', async () => {
  const avoid = new Set<number>();
  const fallback = await ports.freePort();
  const first = await ports.choosePort({ variable: 'A', fallback, env: {}, avoid });
  const second = await ports.choosePort({ variable: 'B', fallback, env: {}, avoid });
  expect(second).not.toBe(first);
});
