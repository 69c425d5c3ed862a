// @ts-check
import { chownSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';

import { makeCertificate } from './certificates.mjs';
import { lastLines } from './commands.mjs';
import { dovecotConfig } from './dovecot-config.mjs';
import { dovecotImage, findDovecot } from './dovecot-program.mjs';
import { runningAs, serverAccount, socketPlace } from './places.mjs';
import { freePort, portAnswers } from './ports.mjs';
import { endOfLog, ProcessRecords, startProcess } from './processes.mjs';
import { SetupError } from './setup-error.mjs';

export { findDovecot };

/**
 * @typedef {import('./dovecot-program.mjs').DovecotProgram} DovecotProgram
 * @typedef {{ imap: number, imaps: number, lmtp: number }} Ports
 *
 * @typedef {object} Dovecot
 * @property {string} host
 * @property {number} imapPort plain, STARTTLS offered
 * @property {number} imapsPort
 * @property {number} lmtpPort
 * @property {string} caFile the authority of its certificate
 * @property {string} password of every user
 * @property {string} version
 * @property {string} mailDir one folder per user
 * @property {number} pid
 * @property {import('./processes.mjs').Running} process
 * @property {() => Promise<void>} stop
 */

/**
 * Starts a Dovecot that knows every user, password `pass`, with all its files under `dir`.
 * @param {object} wish
 * @param {string} wish.dir must be reachable for the account it runs as (see `placeOf`); made if absent
 * @param {DovecotProgram} [wish.program]
 * @param {ProcessRecords} [wish.records]
 * @param {Partial<Ports>} [wish.ports] free ones by default
 * @param {import('./certificates.mjs').CertificateKind} [wish.certificate]
 * @param {import('./dovecot-config.mjs').DovecotProfile} [wish.profile]
 * @param {boolean} [wish.durable] writes to disk for good; off for tests
 * @param {number} [wish.connectionsPerUser] any number by default
 * @param {number} [wish.idleCheckSeconds] as in dovecot-config.mjs
 * @param {string} [wish.passwordFile] who may log in, as lines `user:password`, read at each login; without it everybody with `pass`
 * @returns {Promise<Dovecot>}
 * @throws {SetupError}
 */
export async function startDovecot(wish) {
  const { dir } = wish;
  const program = wish.program ?? (await findDovecot());
  const account = await serverAccount(['nobody']);
  const runDir = socketPlace('dovecot', dir);
  const mailDir = join(dir, 'mail');
  rmSync(runDir, { recursive: true, force: true }); // sockets of an earlier run
  for (const folder of [runDir, dir, mailDir]) {
    mkdirSync(folder, { recursive: true, mode: 0o755 });
    giveTo(account, folder);
  }
  const certificate = await makeCertificate({ dir: join(dir, 'tls'), kind: wish.certificate ?? 'valid' });
  giveTo(account, certificate.keyFile);
  const profile = wish.profile ?? 'usual';
  // A client with the server's own address counts as secured; one that comes to 127.0.0.2 has 127.0.0.1.
  const host = profile === 'tls-required' ? '127.0.0.2' : '127.0.0.1';
  const ports = await portsOf(wish.ports ?? {});
  const configFile = join(dir, 'dovecot.conf');
  const config = dovecotConfig({
    ...{ runDir, mailDir, certificate, account, ports },
    logFile: join(dir, 'dovecot.log'),
    libexecDir: program.libexecDir,
    listen: program.from === 'docker' ? '*' : host,
    profile,
    durable: wish.durable === true,
    connectionsPerUser: wish.connectionsPerUser,
    idleCheckSeconds: wish.idleCheckSeconds,
    ...(wish.passwordFile === undefined ? {} : { passwordFile: wish.passwordFile }),
    version: program.version,
  });
  writeFileSync(configFile, config);
  const server = await startProcess({
    name: 'Dovecot',
    ...commandOf({ program, configFile, ports, folders: [dir, runDir], account }),
    records: wish.records ?? new ProcessRecords(join(dir, 'dovecot-process.json')),
    logFile: join(dir, 'dovecot-output.log'),
  });
  void server.ended.then(() => rmSync(runDir, { recursive: true, force: true }));
  const answers = await portAnswers({ host, port: ports.imap, timeoutMs: 15_000, gaveUp: server.hasEnded });
  if (!answers || !(await greets(host, ports.imap))) {
    await server.stop(2_000);
    const said = ['dovecot-output.log', 'dovecot.log'].map((name) => endOfLog(join(dir, name))).join('\n');
    throw new SetupError(`Dovecot does not start: ${lastLines(said, 4)}.`, `Its files are in ${dir}.`);
  }
  return {
    host,
    imapPort: ports.imap,
    imapsPort: ports.imaps,
    lmtpPort: ports.lmtp,
    caFile: certificate.caFile,
    password: 'pass',
    version: program.version,
    mailDir,
    pid: server.pid,
    process: server,
    stop: async () => void (await server.stop()),
  };
}

/**
 * The port is open before the part that checks passwords runs; the first clients are told to wait, which some take for a greeting.
 * @param {string} host
 * @param {number} port
 * @returns {Promise<boolean>}
 */
function greets(host, port) {
  return new Promise((answer) => {
    let said = '';
    const socket = connect({ port, host, timeout: 10_000 });
    socket.on('data', (bytes) => {
      said += bytes.toString('latin1');
      if (said.includes('CAPABILITY')) socket.destroy();
    });
    socket.once('error', () => answer(false));
    socket.once('timeout', () => socket.destroy());
    socket.once('close', () => answer(said.includes('CAPABILITY')));
  });
}

/**
 * @param {import('./places.mjs').Account} account
 * @param {string} path
 */
function giveTo(account, path) {
  if (process.getuid?.() === 0) chownSync(path, account.uid, account.gid);
}

/**
 * @param {Partial<Ports>} wanted
 * @returns {Promise<Ports>}
 */
async function portsOf(wanted) {
  return {
    imap: wanted.imap ?? (await freePort()),
    imaps: wanted.imaps ?? (await freePort()),
    lmtp: wanted.lmtp ?? (await freePort()),
  };
}

/**
 * @param {{ program: DovecotProgram, configFile: string, folders: string[], account: import('./places.mjs').Account, ports: Ports }} start
 * @returns {{ command: string, args: string[], env: NodeJS.ProcessEnv, cwd: string, uid?: number, gid?: number }}
 */
function commandOf({ program, configFile, ports, folders, account }) {
  if (program.from !== 'docker') {
    const env = { ...process.env, ...(program.libraryPath === '' ? {} : { LD_LIBRARY_PATH: program.libraryPath }) };
    const args = ['-F', '-c', configFile];
    return { command: program.command, args, env, cwd: '/', ...runningAs(account) };
  }
  const published = Object.values(ports).flatMap((port) => ['-p', `127.0.0.1:${port}:${port}`]);
  const mounted = folders.flatMap((folder) => ['-v', `${folder}:${folder}`]);
  const how = ['run', '--rm', '--init', '--user', `${account.uid}:${account.gid}`, '--entrypoint', 'dovecot'];
  return {
    command: program.command,
    args: [...how, ...published, ...mounted, dovecotImage, '-F', '-c', configFile],
    env: process.env,
    cwd: '/',
  };
}
