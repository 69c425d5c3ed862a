// @ts-check
import { chmodSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { findCommand, lastLines, run } from './commands.mjs';
import { projectDir } from './places.mjs';

const moduleDir = join(projectDir, 'scripts', 'temporal-server');
const target = 'github.com/temporalio/cli/cmd/temporal';
const toolchain = '1.26.8';

/**
 * Builds the Temporal server of the pinned module: minutes, all cores.
 * @param {{ into: string, env: NodeJS.ProcessEnv, say: (line: string) => void, progress: (done: number, total: number) => void }} wish
 * @returns {Promise<string | null>} null: it is there; else why not
 */
export async function buildTemporal({ into, env, say, progress }) {
  const found = findCommand('go', env);
  if (!found) return 'Go is not installed, so Temporal cannot be built';
  const go = await newEnough(found, env, say);
  if (typeof go === 'string') return go;
  say('building Temporal from its pinned source (some minutes, once)');
  const options = { cwd: moduleDir, env: go.env };
  const total = await countStale(go.command, options, progress);
  if (typeof total === 'string') return `Temporal's source cannot be had: ${total}`;
  const work = `${into}.work-${process.pid}`;
  mkdirSync(dirname(into), { recursive: true });
  let done = 0;
  const args = ['build', '-v', '-mod=readonly', '-trimpath', '-ldflags=-s -w', '-o', work, target];
  const built = await run(go.command, args, { ...options, onLine: () => progress((done += 1), Math.max(total, done)) });
  if (built.code !== 0) {
    rmSync(work, { force: true });
    return `the build fails: ${lastLines(built.stderr)}`;
  }
  renameSync(work, into);
  return null;
}

/**
 * Counts the packages that must be compiled; fetches the modules on the way, which says a line for each.
 * @param {string} command
 * @param {{ cwd: string, env: NodeJS.ProcessEnv }} options
 * @param {(done: number, total: number) => void} progress
 * @returns {Promise<number | string>} a string: why not
 */
async function countStale(command, options, progress) {
  let fetched = 0;
  const onLine = (/** @type {string} */ line) => {
    if (line.startsWith('go: downloading')) progress((fetched += 1), 0);
  };
  const args = ['list', '-mod=readonly', '-trimpath', '-deps', '-f', '{{if .Stale}}{{.ImportPath}}{{end}}', target];
  const listed = await run(command, args, { ...options, onLine });
  return listed.code === 0 ? listed.stdout.split('\n').filter((line) => line !== '').length : lastLines(listed.stderr);
}

/**
 * Go from 1.21 on fetches the release that go.mod asks for by itself; an older one is used to fetch it as a module.
 * @param {string} command
 * @param {NodeJS.ProcessEnv} env
 * @param {(line: string) => void} say
 * @returns {Promise<{ command: string, env: NodeJS.ProcessEnv } | string>}
 */
async function newEnough(command, env, say) {
  const asked = await run(command, ['version'], { cwd: '/', env });
  const [, major = '0', minor = '0'] = /go(\d+)\.(\d+)/.exec(asked.stdout) ?? [];
  if (asked.code !== 0 || major === '0') return `${command} does not say its version`;
  if (Number(major) > 1 || Number(minor) >= 21) return { command, env: { ...env, GOTOOLCHAIN: 'auto', GOFLAGS: '' } };
  const arch = { x64: 'amd64', arm64: 'arm64' }[process.arch] ?? process.arch;
  const module = `golang.org/toolchain@v0.0.1-go${toolchain}.${process.platform}-${arch}`;
  say(`Go ${major}.${minor} is too old, fetching ${toolchain}`);
  const got = await run(command, ['mod', 'download', module], { cwd: '/', env });
  if (got.code !== 0)
    return `Go ${major}.${minor} is too old, and ${toolchain} cannot be fetched: ${lastLines(got.stderr, 1)}`;
  const cache = (await run(command, ['env', 'GOMODCACHE'], { cwd: '/', env })).stdout.trim();
  const root = join(cache, module);
  makeExecutable(root);
  return { command: join(root, 'bin', 'go'), env: { ...env, GOROOT: root, GOTOOLCHAIN: 'local', GOFLAGS: '' } };
}

/**
 * A module's files are not executable.
 * @param {string} root
 */
function makeExecutable(root) {
  const tools = join(root, 'pkg', 'tool');
  const folders = existsSync(tools) ? readdirSync(tools).map((name) => join(tools, name)) : [];
  for (const folder of [join(root, 'bin'), ...folders]) {
    for (const name of readdirSync(folder)) chmodSync(join(folder, name), 0o755);
  }
}
