// @ts-check
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { lastLines, run } from './commands.mjs';
import { SetupError } from './setup-error.mjs';

/**
 * How a server's certificate is: `valid` for localhost and 127.0.0.1, `expired` yesterday, `other-name` valid for another host.
 * @typedef {'valid' | 'expired' | 'other-name'} CertificateKind
 * @typedef {{ certFile: string, keyFile: string, caFile: string }} Certificate
 */

/**
 * Makes a certificate authority and a server's certificate of it with openssl, or takes those made before.
 * @param {{ dir: string, kind?: CertificateKind }} wish
 * @returns {Promise<Certificate>}
 * @throws {SetupError} openssl is missing or fails
 */
export async function makeCertificate({ dir, kind = 'valid' }) {
  const at = (/** @type {string} */ name) => join(dir, name);
  const made = { certFile: at(`${kind}.crt`), keyFile: at(`${kind}.key`), caFile: at('ca.crt') };
  if (existsSync(made.certFile) && existsSync(made.caFile)) return made;
  mkdirSync(dir, { recursive: true });
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  if (!existsSync(made.caFile)) {
    const subject = ['-subj', '/CN=Letterbook demo authority', '-addext', 'keyUsage=critical,keyCertSign,cRLSign'];
    await openssl(['req', '-x509', ...key, '-days', '3650', ...subject, '-keyout', at('ca.key'), '-out', made.caFile]);
  }
  const name = kind === 'other-name' ? 'mail.example.net' : 'localhost';
  const names = kind === 'other-name' ? 'DNS:mail.example.net' : 'DNS:localhost,IP:127.0.0.1,IP:127.0.0.2,IP:::1';
  writeFileSync(at(`${kind}.ext`), `subjectAltName=${names}\nextendedKeyUsage=serverAuth\nbasicConstraints=CA:FALSE\n`);
  await openssl(['req', ...key, '-subj', `/CN=${name}`, '-keyout', made.keyFile, '-out', at(`${kind}.csr`)]);
  await sign({ at, kind, certFile: made.certFile });
  return made;
}

/**
 * openssl's `x509` cannot date back before 3.4, its `ca` command can in every version.
 * @param {{ at: (name: string) => string, kind: CertificateKind, certFile: string }} wish
 */
async function sign({ at, kind, certFile }) {
  const configuration = [
    '[ca]\ndefault_ca=own\n[own]',
    `database=${at('index.txt')}\nserial=${at('serial')}\nnew_certs_dir=${at('.')}`,
    `certificate=${at('ca.crt')}\nprivate_key=${at('ca.key')}`,
    'default_md=sha256\npolicy=any\nunique_subject=no\nrand_serial=yes\n[any]\ncommonName=supplied\n',
  ].join('\n');
  writeFileSync(at('ca.conf'), configuration);
  writeFileSync(at('index.txt'), '');
  const period = kind === 'expired' ? ['20200101000000Z', '20200201000000Z'] : ['20200101000000Z', '20491231000000Z'];
  const dates = ['-startdate', period[0] ?? '', '-enddate', period[1] ?? ''];
  const files = ['-config', at('ca.conf'), '-in', at(`${kind}.csr`), '-out', certFile, '-extfile', at(`${kind}.ext`)];
  await openssl(['ca', '-batch', '-notext', ...files, ...dates]);
}

/** @param {string[]} args */
async function openssl(args) {
  const done = await run('openssl', args, { timeoutMs: 30_000 });
  if (done.code === 0) return;
  throw new SetupError(`A certificate cannot be made: ${lastLines(done.stderr)}.`, 'Install openssl.');
}
