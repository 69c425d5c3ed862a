import { MailFailure } from '../../domain/failure';
import type { ListedFolder } from '../../domain/folder';
import { listFolders } from '../listing';
import type { MailboxAbilities } from '../mailbox';
import type { Session } from '../session';
import { foreignFolders } from './foreign-folders';
import { forgetListing } from './imapflow-internals';
import { listenForNews } from './listen-for-news';
import type { MailboxWatch, WatchMode, WatchOptions } from './mailbox-watch';
import { askForNotify, whenNotifyOverflows } from './notify';
import { askForSignOfLife } from './sign-of-life';

/** An IDLE that the server ends within this, this many times in a row, is no IDLE. */
const shortIdleMs = 1_000;
const mostShortIdles = 3;

/** Renewals of connections opened together come apart by up to this part of their time. */
const renewalSpread = 0.15;

interface Watching extends WatchOptions {
  mode: WatchMode;
  abilities: MailboxAbilities;
}

/**
 * A connection on which the server watches. Commands go one at a time; after each, IDLE is taken up at once. The renewal is the probe
 * as well: a NOOP that is not answered ends the connection.
 */
export class ImapWatch implements MailboxWatch {
  readonly mode: WatchMode;
  readonly abilities: MailboxAbilities;
  readonly isForeign: (path: string) => boolean;
  private readonly renewal: NodeJS.Timeout;
  /** Set once nobody is to be told anything any more. */
  private ended = false;
  private newsWaits = false;
  private overflowed = false;
  private shortIdles = 0;
  /** The IDLE that no command of ours has ended. */
  private idling: symbol | undefined;
  private lastCommand: Promise<unknown> = Promise.resolve();
  private nextSweep: Promise<ListedFolder[]> | undefined;

  constructor(
    private readonly session: Session,
    private readonly watching: Watching,
  ) {
    this.mode = watching.mode;
    this.abilities = watching.abilities;
    this.isForeign = foreignFolders(session.client);
    const renewMs = watching.limits.idleRenewMs * (1 - Math.random() * renewalSpread);
    this.renewal = setTimeout(() => {
      this.renew();
    }, renewMs).unref();
    listenForNews(session.client, () => {
      this.news();
    });
    whenNotifyOverflows(session, () => {
      this.overflowed = true;
      this.news();
    });
    session.whenEnded('watch', (failure) => {
      this.lost(failure);
    });
    this.resume();
  }

  sweep(): Promise<ListedFolder[]> {
    this.nextSweep ??= this.command(() => {
      this.nextSweep = undefined;
      return this.list();
    });
    return this.nextSweep;
  }

  close(): Promise<void> {
    this.end();
    return this.session.logout();
  }

  /** What NOTIFY tells of a folder during the listing takes the place of its STATUS, and is less than was asked for. */
  private async list(): Promise<ListedFolder[]> {
    try {
      return await this.listOnce();
    } finally {
      forgetListing(this.session.client);
    }
  }

  private async listOnce(): Promise<ListedFolder[]> {
    // Were the folder of IDLE left, what arrives between the listing and the next EXAMINE would be in neither.
    const folders = await listFolders(this.session, 'kept');
    const isWhole = folders.every(({ selectable, status }) => !selectable || status !== null);
    return this.mode !== 'notify' || isWhole ? folders : listFolders(this.session, 'kept');
  }

  private renew(): void {
    this.command(() => (this.overflowed ? this.notifyAgain() : askForSignOfLife(this.session))).catch(() => {
      // A connection that is lost has its own listener.
    });
  }

  private async notifyAgain(): Promise<void> {
    if (!(await askForNotify(this.session))) {
      this.pushEnded('NOTIFY');
      return;
    }
    this.overflowed = false;
    this.news();
  }

  private command<T>(work: () => Promise<T>): Promise<T> {
    const done = this.lastCommand.then(async () => {
      this.idling = undefined;
      try {
        return await work();
      } finally {
        this.resume();
      }
    });
    this.lastCommand = done.catch(() => undefined);
    return done;
  }

  private resume(): void {
    if (this.ended || !this.session.usable) return;
    this.renewal.refresh();
    if (this.mode === 'idle') this.idle();
  }

  private idle(): void {
    const current = Symbol('idle');
    const since = performance.now();
    this.idling = current;
    this.session.client
      .idle()
      .then((answer) => {
        if (this.ended || !this.session.usable) return;
        if (answer === false) this.pushEnded('IDLE');
        else if (this.idling === current) this.idleEnded(performance.now() - since);
      })
      .catch(() => {
        // As above: the loss of the connection is told by the session.
      });
  }

  /** Some servers end IDLE themselves, now and then; one that always does would keep us busy. */
  private idleEnded(lastedMs: number): void {
    this.shortIdles = lastedMs < shortIdleMs ? this.shortIdles + 1 : 0;
    if (this.shortIdles >= mostShortIdles) this.pushEnded('IDLE');
    else this.renew();
  }

  private pushEnded(operation: string): void {
    this.session.end(new MailFailure('unreachable', operation, { code: 'push-ended' }));
  }

  /** A server can send faster than anybody can act: what comes within one turn of the event loop is told once. */
  private news(): void {
    if (this.newsWaits || this.ended) return;
    this.newsWaits = true;
    setImmediate(() => {
      this.newsWaits = false;
      if (!this.ended) this.watching.onNews();
    });
  }

  private lost(failure: MailFailure): void {
    if (this.ended) return;
    this.end();
    this.watching.onLost(lossOf(failure));
  }

  private end(): void {
    this.ended = true;
    clearTimeout(this.renewal);
  }
}

/** What a failure means for a connection that worked before: nothing on it is about one message or folder, and IMAP was spoken. */
function lossOf(failure: MailFailure): MailFailure {
  const { kind, operation, code, cause } = failure;
  if (kind === 'busy' || kind === 'credentials' || kind === 'refused') return failure;
  if (kind !== 'unreachable') return new MailFailure('unreachable', operation, { code: 'garbled-answer', cause });
  if (code !== 'not-an-imap-server') return failure;
  return new MailFailure('unreachable', operation, { code: 'connection-lost', cause });
}
