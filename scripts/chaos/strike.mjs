// @ts-check
import { renameSync, writeFileSync } from 'node:fs';

import { wait } from './part.mjs';
import { removeTemporalFile, untilUp } from './stack.mjs';

/**
 * What strikes can reach.
 * @typedef {object} Field
 * @property {import('./stack.mjs').Stack} stack
 * @property {() => Promise<void>} restartMailServer
 * @property {(passwords: Map<string, string>) => void} writePasswords
 * @property {import('./account.mjs').Account[]} accounts
 * @property {import('./small-disk.mjs').SmallDisk | null} disk
 * @property {import('./fake-clock.mjs').FakeClock | null} clock
 * @property {(line: string) => void} say
 */
/** @typedef {import('./schedule.mjs').Fault} Fault */

const upWithinMs = 180_000;
const cutWithinMs = 2_000;
const drainMs = 20_000;

/** What each kind does. Resolves when it is over; what it brought down may still be on its way up. @type {Record<import('./schedule.mjs').FaultKind, (field: Field, fault: Fault) => Promise<unknown>>} */
const strikes = {
  'cut-mail': ({ stack }, { bytes }) => stack.proxies.mail.cutAfter({ bytes, withinMs: cutWithinMs }),
  'cut-database': ({ stack }, { bytes }) => stack.proxies.database.cutAfter({ bytes, withinMs: cutWithinMs }),
  'cut-engine': ({ stack }, { bytes }) => stack.proxies.engine.cutAfter({ bytes, withinMs: cutWithinMs }),
  'stall-mail': ({ stack }, { roll, downMs }) =>
    stack.proxies.mail.stall({ roll, forMs: 1_000 + downMs, then: roll < 0.5 ? 'go-on' : 'cut' }),
  'kill-worker': ({ stack: { parts } }, { roll, downMs }) => parts.workers[roll < 0.5 ? 0 : 1].kill({ downMs }),
  'kill-workers': ({ stack: { parts } }, { downMs }) =>
    Promise.all(parts.workers.map((worker) => worker.kill({ downMs }))),
  'kill-api': ({ stack: { parts } }, { downMs }) => parts.api.kill({ downMs }),
  'kill-postgres': ({ stack: { parts } }, { downMs }) => parts.postgres.kill({ downMs }),
  'kill-temporal': ({ stack: { parts } }, { downMs }) => parts.temporal.kill({ downMs }),
  'lose-temporal': ({ stack: { parts, temporalFile } }, { downMs }) =>
    parts.temporal.kill({ downMs, meanwhile: () => removeTemporalFile(temporalFile) }),
  'deploy-worker': ({ stack: { parts } }, { roll }) => parts.workers[roll < 0.5 ? 0 : 1].roll({ graceMs: drainMs }),
  'deploy-api': ({ stack: { parts } }) => parts.api.endInOrder({ graceMs: drainMs }),
  'restart-mail-server': ({ restartMailServer }) => restartMailServer(),
  'change-password': changePassword,
  'full-disk': fillDisk,
  'step-clock': async ({ clock }, { roll, downMs }) => {
    clock?.step(Math.round((roll - 0.5) * 7_200));
    await wait(2_000 + downMs);
    clock?.step(0);
  },
};

/** Kinds that are over with the blow; the next one need not wait. */
const light = new Set(['cut-mail', 'cut-database', 'cut-engine', 'stall-mail']);

/**
 * Carries out the faults one after the other. Connections are struck while whatever comes next begins; for everything else the stack is waited
 * for, except where the seed says that two strike together.
 * @param {Field} field
 * @param {{faults: Fault[], isOver: () => boolean, struck: (fault: Fault) => void}} plan
 * @returns {Promise<void>} when all has been struck, and what is held was let go
 */
export async function strikeAll(field, { faults, isOver, struck }) {
  /** @type {Promise<unknown>[]} */
  const underWay = [];
  for (const fault of faults) {
    if (isOver()) break;
    await wait(fault.gapMs);
    const strike = strikes[fault.kind](field, fault).catch((error) => {
      throw new Error(`the fault ${fault.kind} could not be carried out: ${/** @type {Error} */ (error).message}`, {
        cause: error,
      });
    });
    if (light.has(fault.kind)) underWay.push(strike);
    else await strike;
    struck(fault);
    if (!light.has(fault.kind) && !fault.isDouble) await untilUp(field.stack.whatIsDown, upWithinMs);
  }
  await Promise.all(underWay);
  await untilUp(field.stack.whatIsDown, upWithinMs);
}

/** The server takes another password, who is connected is thrown out, and when that is noticed the old one is good again and a person says so. @param {Field} field @param {Fault} fault */
async function changePassword({ stack, accounts, writePasswords, say }, { roll, downMs }) {
  const account = accounts[Math.floor(roll * accounts.length)];
  if (account === undefined) return;
  const old = account.password;
  account.password = `changed-${Math.floor(roll * 1e9)}`;
  writePasswords(passwordsOf(accounts));
  stack.proxies.mail.cutAll();
  const api = stack.tenants[account.tenant]?.api;
  const state = async () => (await api?.get(`/v1/mailboxes/${account.id}`).catch(() => ({})))?.state;
  for (let tries = 0; tries < 40 && (await state()) !== 'auth-required'; tries++) await wait(250);
  await wait(downMs);
  account.password = old;
  writePasswords(passwordsOf(accounts));
  const auth = { type: 'password', username: account.user, password: old };
  for (let tries = 1; ; tries++) {
    try {
      return await api?.change(`/v1/mailboxes/${account.id}`, { auth });
    } catch (error) {
      if (tries >= 60) throw error;
      if (tries === 20) say(`the password is not taken yet: ${/** @type {Error} */ (error).message}`);
      await wait(500);
    }
  }
}

/** @param {import('./account.mjs').Account[]} accounts */
export function passwordsOf(accounts) {
  return new Map(accounts.map(({ user, password }) => [user, password]));
}

/** At once: a login that finds half a file would be refused. @param {string} file @param {Map<string, string>} passwords */
export function writePasswordFile(file, passwords) {
  writeFileSync(`${file}.new`, [...passwords].map(([user, password]) => `${user}:${password}\n`).join(''));
  renameSync(`${file}.new`, file);
}

/** Postgres may not live through it: that is seen to by whoever keeps it up. @param {Field} field @param {Fault} fault */
async function fillDisk({ disk }, { downMs }) {
  const until = Date.now() + 3_000 + downMs;
  try {
    // What is freed meanwhile is taken too.
    while (Date.now() < until) {
      disk?.fill();
      await wait(200);
    }
  } finally {
    disk?.empty();
  }
}
