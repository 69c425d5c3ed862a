import type { ImapFlow } from 'imapflow';

import { MailFailure } from '../domain/failure';
import { folderStatus, listFolders } from './listing';
import type { Mailbox, MailboxAbilities, MailboxAccess, OpenFolder } from './mailbox';
import { examine, markSeen, openFolder } from './open-folder';
import { openSession, type OpenOptions, type Session } from './session';
import { uidSetsOf } from './uid-sets';

export type { OpenOptions } from './session';

/**
 * Opens a connection to an account and logs in.
 * @throws MailFailure: `unreachable`, `busy`, `credentials` or `refused`; the codes of a connection are those of `connectCodes`
 */
export async function openMailbox(access: MailboxAccess, options: OpenOptions): Promise<Mailbox> {
  const again = (signal: AbortSignal) => openSession(access, { ...options, signal });
  const session = await openSession(access, options);
  return mailboxOn(session, { host: access.host, streamChunkBytes: options.streamChunkBytes, again });
}

/** How a mailbox is to be had on a connection. `host` is the server's name as a person gave it. */
export interface ConnectionOf {
  host: string;
  streamChunkBytes: number | undefined;
  /** Logs in once more; the signal ends that, whatever it waits for. */
  again: (signal: AbortSignal) => Promise<Session>;
}

/** The account on a connection that is logged in. */
export function mailboxOn(session: Session, of: ConnectionOf): Mailbox {
  return new ImapMailbox(session, of);
}

class ImapMailbox implements Mailbox {
  abilities: MailboxAbilities;
  openedAt = Date.now();

  /** Counts the folders opened, so that an OpenFolder knows when it no longer is. */
  private opened = 0;
  private closed = false;
  private reopening: AbortController | null = null;

  constructor(
    private session: Session,
    private readonly of: ConnectionOf,
  ) {
    this.abilities = abilitiesOf(session.client, of.host);
  }

  get usable(): boolean {
    return this.session.usable;
  }

  listFolders(): ReturnType<Mailbox['listFolders']> {
    return listFolders(this.session);
  }

  async folderStatus(path: string): ReturnType<Mailbox['folderStatus']> {
    this.opened += 1;
    return folderStatus(this.session, path);
  }

  async examine(path: string): Promise<OpenFolder> {
    this.opened += 1;
    const number = this.opened;
    const examined = await examine(this.session, path);
    return openFolder(path, examined, {
      session: this.session,
      abilities: this.abilities,
      streamChunkBytes: this.of.streamChunkBytes,
      stillOpen: () => {
        if (this.opened !== number) throw new MailFailure('refused', 'EXAMINE', { code: 'folder-not-open' });
      },
    });
  }

  async markSeen(path: string, uidValidity: string, uids: number[]): Promise<void> {
    if (uids.length === 0) return;
    this.opened += 1;
    await markSeen(this.session, { path, uidValidity, sets: uidSetsOf(uids) });
  }

  async reopen(): Promise<void> {
    this.opened += 1;
    await this.session.logout();
    this.refuseWhenClosed();
    this.session = await this.logInAgain();
    this.openedAt = Date.now();
    this.abilities = abilitiesOf(this.session.client, this.of.host);
    await this.logoutWhenClosed();
    this.refuseWhenClosed();
  }

  close(): Promise<void> {
    this.closed = true;
    this.reopening?.abort();
    return this.session.logout();
  }

  private async logInAgain(): Promise<Session> {
    this.reopening = new AbortController();
    try {
      return await this.of.again(this.reopening.signal);
    } finally {
      this.reopening = null;
    }
  }

  /** Whoever closed it while it was being opened again knew the old connection only. */
  private async logoutWhenClosed(): Promise<void> {
    if (this.closed) await this.session.logout();
  }

  private refuseWhenClosed(): void {
    if (this.closed) throw new MailFailure('unreachable', 'connect', { code: 'aborted' });
  }
}

/** What the server can do, from its capabilities after login; Yahoo and AOL show only part of a folder without saying so. */
export function abilitiesOf(client: ImapFlow, host: string): MailboxAbilities {
  const capabilities = [...client.capabilities.keys()].map((capability) => capability.toUpperCase());
  const has = (name: string): boolean => capabilities.includes(name);
  const isYahoo = /(?:^|\.)(?:yahoo|aol|yahoodns|ymail)\.[a-z.]+$/i.test(host) || /yahoo/i.test(serverNameOf(client));
  return {
    condstore: client.enabled.has('CONDSTORE'),
    uidPlus: has('UIDPLUS'),
    idle: has('IDLE'),
    listStatus: has('LIST-STATUS'),
    gmail: has('X-GM-EXT-1'),
    messageLimit: isYahoo || capabilities.some((capability) => capability.startsWith('MESSAGELIMIT')),
  };
}

function serverNameOf(client: ImapFlow): string {
  const info = client.serverInfo;
  return [info?.name, info?.vendor].filter((part) => typeof part === 'string').join(' ');
}
