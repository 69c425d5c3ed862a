import { z } from 'zod';

import type { ChangesPage, Directory, DirectoryChange, DirectoryNews, UnreadableRecord } from '../../domain/directory';
import { CrmFailure, type CrmOperation } from '../crm-failure';
import type { Reach } from '../reach';
import { callCrm } from './call';
import { readChange, textAt, valueAt } from './read-record';
import type { HttpSettings } from './settings';
import { signatureOf } from './sign';

/** What a connector keeps secret. */
export interface HttpSecrets {
  /** Sent with each request; null where the CRM wants none. */
  token: string | null;
  /** Pushes are signed with it. */
  signingSecret: string;
}

interface Opened {
  settings: HttpSettings;
  secrets: HttpSecrets;
  reach: Reach;
  nowMs: () => number;
}

/** A CRM behind HTTP. What it answers is read by the mapping of its settings; docs/connectors.md says what it must do. */
export function httpDirectory(opened: Opened): Directory {
  const { settings } = opened;
  return {
    find: async (address) => {
      if (settings.find === null) return [];
      const { path, addressParameter, items } = settings.find;
      const answer = await get(opened, 'find', urlOf(settings, path, { [addressParameter]: address }));
      return readItems(answer, items, { operation: 'find', settings }).changes.flatMap((change) =>
        change.kind === 'upsert' ? [change.record] : [],
      );
    },
    changes: (cursor) => pullPage(opened, cursor),
    push: (news) => push(opened, news),
  };
}

async function pullPage(opened: Opened, cursor: string | null): Promise<ChangesPage> {
  const { settings } = opened;
  const { path, pageSize, cursorParameter, limitParameter, items, more } = settings.pull;
  const asked = { [limitParameter]: String(pageSize), ...(cursor === null ? {} : { [cursorParameter]: cursor }) };
  const answer = await get(opened, 'pull', urlOf(settings, path, asked));
  const { changes, unreadable } = readItems(answer, items, { operation: 'pull', settings });
  const next = textAt(answer, settings.pull.cursor) ?? cursor;
  // No text of the database can hold it.
  if (next?.includes('\0') === true) throw new CrmFailure('refused', 'pull', { code: 'answer-unexpected' });
  const came = changes.length + unreadable.length;
  // A CRM that says that there is more and moves no further would be asked for ever.
  const goesOn = next !== cursor && (more === undefined ? came > 0 : valueAt(answer, more) === true);
  return { changes, unreadable, cursor: next, more: goesOn };
}

function readItems(
  answer: unknown,
  items: string,
  { operation, settings }: { operation: CrmOperation; settings: HttpSettings },
): { changes: DirectoryChange[]; unreadable: UnreadableRecord[] } {
  const list = z.array(z.unknown()).safeParse(valueAt(answer, items));
  if (!list.success) throw new CrmFailure('refused', operation, { code: 'answer-unexpected' });
  const read = list.data.map((object) => readChange(object, settings.mapping));
  return {
    changes: read.flatMap((one) => (one.kind === 'unreadable' ? [] : [one])),
    unreadable: read.flatMap((one) => (one.kind === 'unreadable' ? [one.why] : [])),
  };
}

function get({ settings, secrets, reach }: Opened, operation: CrmOperation, url: URL): Promise<unknown> {
  return callCrm(reach, { operation, method: 'GET', url, headers: tokenHeader(settings, secrets), body: null });
}

/** In batches, one after the other, so that the CRM hears everything in its order. */
async function push({ settings, secrets, reach, nowMs }: Opened, news: DirectoryNews[]): Promise<void> {
  if (settings.push === null) return;
  const { path, batch } = settings.push;
  for (let at = 0; at < news.length; at += batch) {
    const items = news.slice(at, at + batch);
    const body = JSON.stringify({ items });
    const headers = {
      ...tokenHeader(settings, secrets),
      'content-type': 'application/json',
      'letterbook-signature': signatureOf(secrets.signingSecret, body, nowMs()),
    };
    await callCrm(reach, { operation: 'push', method: 'POST', url: urlOf(settings, path, {}), headers, body });
  }
}

function tokenHeader({ authorization }: HttpSettings, { token }: HttpSecrets): Record<string, string> {
  if (token === null) return {};
  return { [authorization.header.toLowerCase()]: `${authorization.scheme} ${token}`.trim() };
}

function urlOf({ baseUrl }: HttpSettings, path: string, query: Record<string, string>): URL {
  const url = new URL(`${baseUrl.replace(/\/$/, '')}${path}`);
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  return url;
}
