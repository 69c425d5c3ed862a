// @ts-check
import { createRequire } from 'node:module';
import { join } from 'node:path';

import { projectDir } from '../lib/places.mjs';
import { median } from './processes.mjs';

/** What the build made; it is not there when this file is checked. @type {(path: string) => any} */
const built = createRequire(join(projectDir, 'package.json'));

/**
 * Looks over all folders again and again on one open connection, as a round without news does.
 * @param {import('../demo/deliver.mjs').MailServer} server @param {{times: number}} wanted
 * @returns {Promise<{folders: number, times: number, medianMs: number, slowestMs: number}>}
 */
export async function measuredSweep(server, { times }) {
  const { openMailbox } = built('./dist/mail/open-mailbox.js');
  const { defaultLimits } = built('./dist/config/limits.js');
  const access = {
    host: server.host,
    port: server.imapPort,
    security: 'none',
    allowInvalidCertificate: false,
    ca: null,
    username: server.user,
    password: server.password,
  };
  const { connectTimeoutMs, socketTimeoutMs } = defaultLimits;
  const mailbox = await openMailbox(access, {
    hostRules: { allowedNetworks: ['127.0.0.0/8'] },
    connectTimeoutMs,
    socketTimeoutMs,
  });
  try {
    const { length: folders } = await mailbox.listFolders();
    /** @type {number[]} */
    const took = [];
    for (let round = 0; round < times; round++) {
      const began = performance.now();
      await mailbox.listFolders();
      took.push(performance.now() - began);
    }
    return { folders, times, medianMs: median(took), slowestMs: Math.max(...took) };
  } finally {
    await mailbox.close();
  }
}
