import type { z } from 'zod';

import type { StoredConnector } from '../../db/connectors/connectors';
import { connectorSentence, readSentence } from '../../domain/connector-sentences';
import type { Directory } from '../../domain/directory';
import type { Language } from '../../domain/languages';
import type { ApiContext } from '../context';
import type { testAnswerSchema } from './schemas';

type TestAnswer = z.output<typeof testAnswerSchema>;

const recordsShown = 10;

/** Fetches the first page of a CRM and says what it would become; writes nothing, there or here. */
export async function tryOut(
  { crm }: ApiContext,
  connector: Pick<StoredConnector, 'kind' | 'settings' | 'secret'>,
  language: Language,
): Promise<TestAnswer> {
  try {
    return await firstPage(crm.open(connector), language);
  } catch (error) {
    const refusal = crm.refusalOf(error);
    if (refusal === null) throw error;
    const { code, status } = refusal;
    const words = connectorSentence(code, language);
    return { ok: false, records: 0, unreadable: [], sample: [], code, httpStatus: status, words };
  }
}

async function firstPage(directory: Directory, language: Language): Promise<TestAnswer> {
  const { changes, unreadable } = await directory.changes(null);
  const records = changes.flatMap((change) => (change.kind === 'upsert' ? [change.record] : []));
  const sample = records.slice(0, recordsShown).map(({ type, externalId, name, addresses }) => {
    return { type, externalId, name: name ?? null, addresses: addresses?.length ?? 0 };
  });
  return {
    ok: true,
    records: changes.length,
    unreadable: unreadable.slice(0, recordsShown),
    sample,
    code: null,
    httpStatus: null,
    words: readSentence({ count: changes.length, unreadable: unreadable.length }, language),
  };
}
