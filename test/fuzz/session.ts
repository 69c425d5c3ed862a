import { createHash } from 'node:crypto';

import { createConnections, type Connections } from '../../src/activities/connections';
import type { ActivityContext, ActivityRun } from '../../src/activities/context';
import { importBatch } from '../../src/activities/import-batch';
import { runRound, type RoundResult } from '../../src/activities/run-round';
import { mustLook } from '../../src/activities/sync-folder';
import { createUndeliveredTries } from '../../src/activities/undelivered';
import { defaultLimits } from '../../src/config/limits';
import { foldersOnRecord } from '../../src/db/ingest/folder-read';
import { mailboxForSync } from '../../src/db/sync/mailbox-for-sync';
import { presences, outcomes } from '../../src/domain/ledger';
import { openMailbox } from '../../src/mail/open-mailbox';
import { mail } from '../support/mail-factory';
import { folderOf, type ScriptedFolder } from '../support/scripted-imap-folder';
import { startScriptedServer, type ScriptedServer } from '../support/scripted-imap-server';
import type { SyncBench, TestMailbox } from '../support/sync-bench';
import { diceOf, type Dice } from './dice';
import { liarOn, type LyingServer, type ToldLie } from './lying-server';

/** A session of which something can be said that must not be. */
export interface SessionFinding {
  number: number;
  complaint: string;
  /** What the server said that it would not have said by itself. */
  lies: ToldLie[];
}

export interface SessionWish {
  seed: string;
  number: number;
  bench: SyncBench;
  /** Only the lies with these numbers are told; all of them where absent. */
  onlyLies?: ReadonlySet<number>;
}

/** How long a silent server is waited for: little while it lies, since silence is all that will come; enough where it answers. */
const patience = { lyingMs: 250, honestMs: 60_000 };

const abilities = [
  'LITERAL+',
  'ENABLE',
  'UIDPLUS',
  'CONDSTORE',
  'NAMESPACE',
  'UNSELECT',
  'LIST-STATUS',
  'OBJECTID',
  'ID',
];

/** One mailbox on a server that lies for some rounds, and then does not. */
export class Session {
  readonly complaints: string[] = [];
  private readonly dice: Dice;
  private readonly context: ActivityContext & { connections: Connections };
  private readonly run: ActivityRun = { signal: new AbortController().signal, heartbeat: () => undefined };
  private socketTimeoutMs = patience.honestMs;
  private arrived = 0;

  private constructor(
    private readonly wish: SessionWish,
    private readonly server: ScriptedServer,
    private readonly liar: LyingServer,
    private readonly mailbox: TestMailbox,
  ) {
    this.dice = diceOf(`${wish.seed}/session/${String(wish.number)}`);
    const connect: ActivityContext['connect'] = () => this.connect();
    this.context = {
      ...wish.bench.context,
      connect,
      connections: createConnections({
        connect: () => this.connect(),
        standings: () => Promise.resolve([]),
        idleMs: 60_000,
        checkMs: 60_000,
      }),
      undelivered: createUndeliveredTries(),
    };
  }

  static async begin(wish: SessionWish): Promise<Session> {
    const dice = diceOf(`${wish.seed}/server/${String(wish.number)}`);
    const folder = (uidValidity: string) => ({ uidValidity, mailboxId: dice.pick([null, `M${uidValidity}`]) });
    const server = await startScriptedServer({
      capabilities: abilities.filter(() => dice.happens(0.6)),
      folders: { INBOX: folder('7'), ...(dice.happens(0.15) ? { Archive: folder('9') } : {}) },
    });
    const liar = liarOn(server, { ...wish, share: dice.pick([0.1, 0.25, 0.5]) });
    const mailbox = await wish.bench.connect({
      port: server.port,
      user: `fuzz${String(wish.number)}@x.example`,
      withoutPerson: true,
      policy: { removals: dice.pick(['mirror', 'keep']) },
    });
    const session = new Session(wish, server, liar, mailbox);
    for (let left = dice.between(0, 3); left > 0; left -= 1) session.deliver();
    return session;
  }

  get lies(): ToldLie[] {
    return this.liar.told;
  }

  /** In some sessions the mailbox was in order before; in all it is at the end. */
  async play(): Promise<void> {
    if (this.wish.number % 3 === 0) await this.bringUpToDate('before the lies');
    await this.newConnections({ socketTimeoutMs: patience.lyingMs });
    this.liar.lies = true;
    for (let left = this.dice.pick([1, 1, 1, 2]); left > 0; left -= 1) {
      if (this.dice.happens(0.5)) this.deliver();
      await this.step('a round', () => this.round());
      if (this.dice.happens(0.4)) await this.step('an import', () => this.import());
    }
    this.liar.lies = false;
    await this.newConnections({ socketTimeoutMs: patience.honestMs });
    await this.checkCursors();
    await this.checkPresences();
    await this.bringUpToDate('after the lies');
    await this.checkAllThere();
  }

  async end(): Promise<void> {
    await this.context.connections.closeAll();
    await this.server.stop();
  }

  /** A connection keeps the patience that it was opened with. */
  private async newConnections(wanted: { socketTimeoutMs: number }): Promise<void> {
    for (const socket of this.server.sockets) socket.destroy();
    await this.context.connections.closeAll();
    this.socketTimeoutMs = wanted.socketTimeoutMs;
  }

  private connect(): ReturnType<ActivityContext['connect']> {
    const access = this.server.access({ username: this.mailbox.user });
    return openMailbox(access, {
      hostRules: { allowedNetworks: ['127.0.0.0/8'] },
      connectTimeoutMs: defaultLimits.connectTimeoutMs,
      socketTimeoutMs: this.socketTimeoutMs,
    });
  }

  private async round(): Promise<RoundResult> {
    const { tenantId, mailboxId } = this.mailbox;
    const mailbox = await mailboxForSync(this.context.db, { tenantId, mailboxId });
    if (mailbox === null) throw new Error('the mailbox is gone');
    return runRound(this.context, this.run, { tenantId, mailboxId, fence: mailbox.fence });
  }

  private import(): Promise<{ kind: string; foldersLeft?: number }> {
    const { tenantId, mailboxId } = this.mailbox;
    return importBatch(this.context, this.run, { tenantId, mailboxId });
  }

  /** What is thrown is no answer of a round: all that a server can do is one of its endings. */
  private async step(what: string, work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.complaints.push(`${what} threw ${told(error)}`);
    }
  }

  private async bringUpToDate(when: string): Promise<void> {
    let last = '';
    for (let tries = 0; tries < 6; tries += 1) {
      try {
        const round = await this.round();
        const imported = await this.import();
        last = `${JSON.stringify(round)} ${JSON.stringify(imported)}`;
        if (round.kind === 'done' && imported.kind === 'done' && imported.foldersLeft === 0) return;
      } catch (error) {
        last = told(error);
      }
    }
    this.complaints.push(`no good round ${when}: ${last}`);
  }

  private deliver(): void {
    const folders = [...this.server.folders.values()];
    const folder = this.dice.pick(folders);
    this.arrived += 1;
    const uid = folder.uidNext + this.dice.pick([0, 0, 1, 5]);
    const subject = `number ${String(this.arrived)} of ${String(this.wish.number)}`;
    const [message] = folderOf({
      messages: [{ uid, raw: mail({ subject, text: 'x'.repeat(this.dice.between(1, 400)) }) }],
    }).messages;
    if (message === undefined) return;
    folder.messages.push(message);
    folder.uidNext = uid + 1;
    folder.highestModseq = String(Number(folder.highestModseq) + 1);
    message.modseq = Number(folder.highestModseq);
    message.emailId = `E${String(uid)}x${folder.uidValidity}`;
  }

  /** A message without a row is looked for: the folder is looked at again, or its history is not done. */
  private async checkCursors(): Promise<void> {
    const { tenantId, mailboxId: sourceId } = this.mailbox;
    const known = await this.wish.bench.database.db.inTenant(tenantId, (sql) =>
      foldersOnRecord(sql, { tenantId, sourceId }),
    );
    const ledger = await this.mailbox.ledger();
    for (const [path, folder] of this.server.folders) {
      const generation = known.find((one) => one.path === path)?.generation ?? null;
      if (generation?.uidValidity !== folder.uidValidity) continue;
      const rows = new Set(
        ledger.filter((row) => row.folder === path && row.uidValidity === folder.uidValidity).map(({ uid }) => uid),
      );
      const lost = folder.messages.filter(({ uid }) => !rows.has(uid)).map(({ uid }) => uid);
      const looked = mustLook(this.statusOf(folder), generation, { at: new Date(), flags: 'follow' });
      const ofImport = !generation.historyDone && lost.every((uid) => uid < generation.historyBelow);
      if (lost.length > 0 && !looked && !ofImport)
        this.complaints.push(`a cursor is past UIDs without a row: ${JSON.stringify({ path, lost, generation })}`);
    }
  }

  private statusOf(folder: ScriptedFolder) {
    const { uidValidity, uidNext, messages, highestModseq } = folder;
    const counts = this.server.commands.some((command) => command.startsWith('ENABLE')) ? highestModseq : null;
    return { uidValidity, uidNext, messages: messages.length, highestModseq: counts };
  }

  /** Where the server has not said in so many words that a message is not there, it is there. */
  private async checkPresences(): Promise<void> {
    if (this.liar.told.some(({ tellsOfUids }) => tellsOfUids)) return;
    const gone = (await this.mailbox.ledger()).filter(({ presence }) => presence !== presences.live);
    if (gone.length > 0)
      this.complaints.push(`a removal was derived: ${JSON.stringify(gone.map(({ folder, uid }) => [folder, uid]))}`);
  }

  /** Bytes that were changed within a row, or given for another message, cannot be told from right ones. */
  private get lied(): boolean {
    return this.liar.told.some(({ command }) => command.endsWith('FETCH'));
  }

  private async checkAllThere(): Promise<void> {
    const ledger = await this.mailbox.ledger();
    for (const [path, folder] of this.server.folders) {
      const rows = new Map(
        ledger
          .filter((row) => row.folder === path && row.uidValidity === folder.uidValidity)
          .map((row) => [row.uid, row]),
      );
      for (const { uid, raw } of folder.messages) {
        const row = rows.get(uid);
        const sha = createHash('sha256').update(raw).digest('hex');
        const problem =
          row === undefined
            ? 'no row'
            : row.presence !== presences.live
              ? `presence ${String(row.presence)}`
              : row.outcome !== outcomes.recorded
                ? `outcome ${String(row.outcome)} ${row.reason ?? ''}`
                : row.messageId === null
                  ? 'no message'
                  : row.sha256 !== sha && !this.lied
                    ? 'other bytes'
                    : null;
        if (problem !== null) this.complaints.push(`not all is there at the end: ${problem} of ${path} ${String(uid)}`);
      }
    }
  }
}

function told(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const at =
    (error.stack ?? '')
      .split('\n')
      .find((line) => line.includes('/src/'))
      ?.trim() ?? '';
  return `${error.name}: ${error.message.slice(0, 200)} ${at}`;
}
