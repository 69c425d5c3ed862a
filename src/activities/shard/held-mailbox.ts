import { MailFailure } from '../../domain/failure';
import type { ListedFolder } from '../../domain/folder';
import { anyInScope, folderToWatch, isBehind, stateOf } from '../../domain/folder-news';
import type { Policy } from '../../domain/policy';
import { storedFolders, type RosterMailbox } from '../../db/watch/roster';
import { mailboxToWatch } from '../../db/watch/mailbox-to-watch';
import type { WatchRowMode } from '../../db/watch/watch-rows';
import type { MailboxWatch } from '../../mail/watch/mailbox-watch';
import { againAfterMs, isOurs, lossOf, type Loss } from './loss';
import { Poker } from './poker';
import { isQuiet, refusalOf, type Refusal } from './refusal';
import type { Watching } from './watching';

/** What a mailbox is doing in its shard. */
export type HeldState =
  /** Waits until it is tried, at this time by the clock of `Watching`. */
  | { kind: 'due'; at: number; lostReason: string | null }
  | { kind: 'attaching'; ending: AbortController }
  | Watched
  /** The password was refused: nothing is tried until it, or the state of the mailbox, has changed, or a round got in with it. */
  | Refusal
  | { kind: 'ended' };

interface Watched {
  kind: 'watched';
  ending: AbortController;
  watch: MailboxWatch;
  since: number;
  sweepAt: number;
  isSweeping: boolean;
}

/** A connection that held for less does not show that the server is well. */
const stableAfterMs = 60_000;
/** When Postgres did not answer. */
const compareAgainMs = 5_000;

/** One mailbox in the hands of a shard: attached, compared with the ledger, watched, swept, and attached again when it was lost. */
export class HeldMailbox {
  state: HeldState;
  /** What the last sweep showed of the folders in scope. */
  private seen: string | null = null;
  private scope: Policy['folders'] | null = null;
  /** By the last sweep: it shows folders in scope that the server tells nothing of, although it tells of all of the account's own. */
  private hasForeign = false;
  private provider = '';
  /** The folder that is to be watched where only one can be, by the last listing. */
  private folder: string | null = null;
  private folderChangedAt = Number.NEGATIVE_INFINITY;
  private isWarm = false;
  private failures = 0;
  private refusals = 0;
  private readonly poker: Poker;

  constructor(
    private roster: RosterMailbox,
    private readonly watching: Watching,
    private readonly onChange: () => void,
  ) {
    this.state = this.stateAtFirst();
    this.poker = new Poker({
      send: (reason) => watching.poke(roster.mailboxId, reason),
      now: watching.now,
      spacingMs: watching.limits.pokeSpacingMs,
    });
  }

  /** Takes up what has changed of the mailbox: other access or folders need another connection. */
  update(roster: RosterMailbox): void {
    const before = this.roster;
    this.roster = roster;
    const isOther = before.accessVersion !== roster.accessVersion || before.scopeVersion !== roster.scopeVersion;
    if (roster.state === 'auth-required') {
      // Its round was refused: a connection that is still open would only hide that.
      if (this.state.kind !== 'refused') void this.letGo(this.stateAtFirst());
    } else if (isOther || before.state === 'auth-required') {
      this.failures = 0;
      this.refusals = 0;
      this.folder = null;
      // What another policy does with the same state is to be compared again: nobody may have been told of it.
      this.seen = null;
      void this.letGo(this.stateAtFirst());
    } else if (this.state.kind === 'refused' && roster.lastSuccessAt !== this.state.lastSuccessAt) {
      this.learn(this.state);
    }
  }

  /** To be called some times a second: begins what is due. */
  tick(now: number): void {
    if (this.state.kind === 'due' && now >= this.state.at) void this.attach();
    else if (this.state.kind === 'watched' && now >= this.state.sweepAt) void this.sweep(this.state);
    else if (this.state.kind === 'refused') this.ask(this.state, now);
  }

  /** Lets go of the connection and of everything that is under way. Resolves when the connection is closed. */
  async end(): Promise<void> {
    this.poker.end();
    await this.letGo({ kind: 'ended' });
  }

  /** As `mailbox_watch` shows it; null while that is not known. */
  shown(): { mode: WatchRowMode; lostReason: string | null } | null {
    const { state } = this;
    if (state.kind === 'watched') {
      return { mode: state.watch.mode === 'none' ? 'sweep' : state.watch.mode, lostReason: null };
    }
    if (state.kind === 'refused') return { mode: 'refused', lostReason: 'login-refused' };
    if (state.kind === 'due' && state.lostReason !== null) return { mode: 'lost', lostReason: state.lostReason };
    return null;
  }

  get ref(): RosterMailbox {
    return this.roster;
  }

  private letGo(next: HeldState): Promise<void> {
    const { state } = this;
    this.state = next;
    this.onChange();
    if (state.kind === 'attaching') state.ending.abort(new Error('let go'));
    return state.kind === 'watched' ? state.watch.close() : Promise.resolve();
  }

  /** A round got in with the same password, unless it used a connection from before. */
  private learn(state: Refusal): void {
    const now = this.watching.now();
    if (isQuiet(state, now)) this.fall({ lostReason: 'login-refused', atLeastMs: 0 });
    else this.state = { ...state, lastSuccessAt: this.roster.lastSuccessAt, busyAt: now, isAsked: false };
  }

  /** Asks for a round that has to log in: it finds the same and tells the owner, or shows that the password is good. */
  private ask(state: Refusal, now: number): void {
    if (state.isAsked || this.roster.state === 'auth-required' || !isQuiet(state, now)) return;
    this.state = { ...state, isAsked: true };
    this.poker.poke('watch');
  }

  private async attach(): Promise<void> {
    const ending = new AbortController();
    this.state = { kind: 'attaching', ending };
    try {
      // The next one may log in while this one is compared.
      const state = await this.watching.gate.pass(this.roster.host, () => this.connect(ending));
      if (state !== null) await this.sweep(state);
    } catch (error) {
      this.lose(ending, error);
    }
  }

  /** By the time a sweep begins the server watches: what came before is in the sweep, what comes later is news. Null: let go meanwhile. */
  private async connect(ending: AbortController): Promise<Watched | null> {
    const { watching } = this;
    ending.signal.throwIfAborted();
    const mailbox = await mailboxToWatch(watching.db, this.roster);
    // The roster is seconds old; the next one says the same.
    if (mailbox === null) throw new MailFailure('gone', 'connect', { code: 'not-running' });
    this.scope = mailbox.policy.folders;
    this.provider = mailbox.provider;
    const watch = await watching.watch(mailbox, {
      folder: async () => {
        const { folders } = mailbox.policy;
        this.folder ??= folderToWatch(await storedFolders(watching.db, this.roster), folders, mailbox.provider);
        return this.folder;
      },
      onNews: () => {
        if (this.isCurrent(ending)) this.poker.poke('arrival');
      },
      onLost: (failure) => {
        this.lose(ending, failure);
      },
      turn: () => watching.pace.turn(this.roster.host, ending.signal),
      signal: ending.signal,
    });
    this.refusals = 0;
    if (!this.isCurrent(ending)) {
      await watch.close();
      return null;
    }
    const now = watching.now();
    const state: Watched = { kind: 'watched', ending, watch, since: now, sweepAt: now, isSweeping: false };
    this.state = state;
    this.onChange();
    if (!this.isWarm) watching.warmUp.warm(this.roster.mailboxId);
    this.isWarm = true;
    // A server that is there again is news to a mailbox that backs off.
    if (this.roster.state !== 'live' && this.roster.state !== 'connecting') this.poker.poke('watch');
    return state;
  }

  /** Sweeps, and pokes where what is shown differs both from the last sweep and from the ledger. */
  private async sweep(state: Watched): Promise<void> {
    if (state.isSweeping) return;
    state.isSweeping = true;
    try {
      await this.compare(state);
      state.sweepAt = this.nextSweepAt(state.watch);
    } catch (error) {
      if (error instanceof MailFailure) this.lose(state.ending, error);
      // The connection is well: only what the ledger has is not known.
      else state.sweepAt = this.watching.now() + compareAgainMs;
    } finally {
      state.isSweeping = false;
    }
  }

  private async compare({ watch, ending }: Watched): Promise<void> {
    const listed = await watch.sweep();
    if (!this.isCurrent(ending) || this.scope === null) return;
    const foreign = listed.filter(({ path }) => watch.isForeign(path));
    this.hasForeign = anyInScope(foreign, this.scope);
    const shown = stateOf(listed, this.scope);
    if (shown !== this.seen) {
      // News is told also where the connection has been lost meanwhile.
      if (await this.isBehind(listed, this.scope)) this.poker.poke('arrival');
      this.seen = shown;
    }
    if (this.isCurrent(ending) && this.isOtherFolder(listed, this.scope)) {
      await this.letGo({ kind: 'due', at: 0, lostReason: null });
    }
  }

  /** Whether one folder alone is watched, and it is not the one. By path, as the ledger lists them: the first of both is the same. */
  private isOtherFolder(listed: ListedFolder[], scope: Policy['folders']): boolean {
    const now = this.watching.now();
    // A server that lists them otherwise each time is not to be logged in to each time.
    if (this.folder === null || now - this.folderChangedAt < stableAfterMs) return false;
    const known = listed.filter(({ selectable }) => selectable).map(({ path, role }) => ({ path, role }));
    known.sort((a, b) => (a.path < b.path ? -1 : 1));
    const wanted = folderToWatch(known, scope, this.provider);
    if (wanted === this.folder) return false;
    this.folder = wanted;
    this.folderChangedAt = now;
    return true;
  }

  private async isBehind(listed: ListedFolder[], scope: Policy['folders']): Promise<boolean> {
    return isBehind(listed, await storedFolders(this.watching.db, this.roster), scope);
  }

  /** With jitter, so that the sweeps of mailboxes that were attached together drift apart. */
  private nextSweepAt({ mode }: MailboxWatch): number {
    const { pushSweepMs } = this.watching.limits;
    const refreshMs = this.roster.refreshSeconds * 1_000;
    const everyMs = mode === 'notify' && !this.hasForeign ? Math.max(pushSweepMs, refreshMs) : refreshMs;
    return this.watching.now() + everyMs * (0.8 + 0.2 * Math.random());
  }

  private isCurrent(ending: AbortController): boolean {
    const { state } = this;
    return (state.kind === 'watched' || state.kind === 'attaching') && state.ending === ending;
  }

  private lose(ending: AbortController, error: unknown): void {
    const { state } = this;
    if (!this.isCurrent(ending)) return;
    const wasWatched = state.kind === 'watched';
    if (state.kind === 'watched') {
      if (this.watching.now() - state.since > stableAfterMs) this.failures = 0;
      void state.watch.close();
    }
    if (error instanceof MailFailure && error.kind === 'credentials') {
      this.failures += 1;
      this.refusals += 1;
      this.state = this.refused();
      this.onChange();
      // Its round finds the same, and says so to the owner, if it has to log in; here it is not tried again.
      this.poker.poke('watch');
      return;
    }
    const why = lossOf(error);
    this.fall(why);
    if (wasWatched || isOurs(why)) return;
    // Lost, and not to be had back at once: a round says what is wrong, and backs off by itself.
    if (this.failures === 2 && this.roster.state === 'live') this.poker.poke('watch');
  }

  private fall(why: Loss): void {
    this.failures += 1;
    const at = this.watching.now() + againAfterMs(why, this.failures, this.watching.limits.watchRetryCapMs);
    this.state = { kind: 'due', at, lostReason: why.lostReason };
    this.onChange();
  }

  /** A password that was refused is not tried again by whoever takes the mailbox over. */
  private stateAtFirst(): HeldState {
    return this.roster.state === 'auth-required' ? this.refused() : { kind: 'due', at: 0, lostReason: null };
  }

  private refused(): Refusal {
    const { limits, now } = this.watching;
    const { lastSuccessAt } = this.roster;
    return refusalOf({ lastSuccessAt, now: now(), keptMs: limits.connectionKeptMs, times: this.refusals });
  }
}
