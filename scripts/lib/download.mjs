// @ts-check
import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { get as httpGet } from 'node:http';
import { get as httpsGet } from 'node:https';

/**
 * Fetches a file and checks it. Fails fast: 5 s to connect and for each silence.
 * @param {{ url: string, into: string, sha256: string, progress?: (done: number, total: number) => void }} wish
 * @returns {Promise<void>}
 * @throws {Error} with a sentence for people
 */
export async function download({ url, into, sha256, progress = () => {} }) {
  const response = await request(url, 5);
  const total = Number(response.headers['content-length'] ?? 0);
  const hash = createHash('sha256');
  const file = createWriteStream(into, { mode: 0o600 });
  let done = 0;
  try {
    for await (const chunk of response) {
      hash.update(chunk);
      done += chunk.length;
      progress(done, total);
      if (!file.write(chunk)) await new Promise((drained) => file.once('drain', drained));
    }
  } finally {
    await new Promise((closed) => file.end(closed));
  }
  const found = hash.digest('hex');
  if (found !== sha256)
    throw new Error(`what ${new URL(url).host} sent has SHA-256 ${found}, not the pinned ${sha256}`);
}

/**
 * @param {string} url
 * @param {number} redirects left
 * @returns {Promise<import('node:http').IncomingMessage>}
 */
function request(url, redirects) {
  const { host, protocol } = new URL(url);
  return new Promise((answer, fail) => {
    const sent = (protocol === 'https:' ? httpsGet : httpGet)(url, { timeout: 5_000 }, (response) => {
      const { statusCode = 0, headers } = response;
      if (statusCode >= 300 && statusCode < 400 && headers.location !== undefined && redirects > 0) {
        response.resume();
        request(new URL(headers.location, url).href, redirects - 1).then(answer, fail);
      } else if (statusCode === 200) {
        answer(response);
      } else {
        response.resume();
        fail(new Error(`${host} answers ${statusCode}`));
      }
    });
    sent.once('timeout', () => sent.destroy(new Error(`${host} does not answer within 5 s`)));
    sent.once('error', (error) => fail(named(error, host)));
  });
}

/**
 * @param {Error & { code?: string }} error
 * @param {string} host
 * @returns {Error}
 */
function named(error, host) {
  if (error.code === 'ENOTFOUND' || error.code === 'EAI_AGAIN') return new Error(`${host} is not found`);
  if (error.code === 'ECONNREFUSED') return new Error(`${host} refuses the connection`);
  return error.message.includes(host) ? error : new Error(`${host}: ${error.message}`);
}
