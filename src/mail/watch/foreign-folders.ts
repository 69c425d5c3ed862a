import type { ImapFlow, NamespaceObject } from 'imapflow';

import { keptName } from '../folder-names';

interface Namespace {
  prefix: string;
  delimiter: string;
  whose: 'own' | 'foreign';
}

/**
 * How to tell which folders lie in the namespaces of other users, or in those that all share (RFC 2342 5): NOTIFY of the personal ones says
 * nothing of them. Of several namespaces the one with the longest prefix has a folder. Nothing is foreign where the server has not said.
 */
export function foreignFolders({ namespaces }: Pick<ImapFlow, 'namespaces'>): (path: string) => boolean {
  if (namespaces === undefined) return () => false;
  const { personal, other, shared } = namespaces;
  const known = [
    ...personal.map((one) => namespaceOf(one, 'own')),
    ...[...(other || []), ...(shared || [])].map((one) => namespaceOf(one, 'foreign')),
  ].sort((a, b) => b.prefix.length - a.prefix.length);
  if (known.every(({ whose }) => whose === 'own')) return () => false;
  return (path) => {
    if (path.toUpperCase() === 'INBOX') return false;
    return known.find(({ prefix, delimiter }) => `${path}${delimiter}`.startsWith(prefix))?.whose !== 'own';
  };
}

function namespaceOf({ prefix, delimiter }: NamespaceObject, whose: Namespace['whose']): Namespace {
  return { prefix: keptName(prefix), delimiter: delimiter ?? '', whose };
}
