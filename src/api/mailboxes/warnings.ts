import ipaddr from 'ipaddr.js';

import type { Mailbox } from '../../db/mailboxes';
import type { ApiContext } from '../context';

/** What a person should know who has just connected this mailbox; usually nothing. */
export function warningsFor({ homeInsideClone }: ApiContext, { imap }: Mailbox): string[] {
  // A server on this machine is the demo or a test, which can be had again.
  if (!homeInsideClone || isLoopback(imap.host)) return [];
  return [
    'The data directory lies inside a git clone, where `git clean` would delete it. Set LETTERBOOK_HOME to a directory elsewhere ' +
      'and connect the mailbox there.',
  ];
}

/** By its spelling alone (RFC 6761 6.3, RFC 1122 3.2.1.3, RFC 4291 2.5.3); a name that merely resolves to it is none. */
function isLoopback(host: string): boolean {
  const name = host.replace(/^\[(.*)\]$/, '$1').toLowerCase();
  if (ipaddr.isValid(name)) return ipaddr.process(name).range() === 'loopback';
  return name === 'localhost' || name.endsWith('.localhost');
}
