import type { z } from 'zod';

import type { StoredConnector } from '../../db/connectors/connectors';
import { listRecordTypes } from '../../db/record-types';
import { connectorSentence, readSentence } from '../../domain/connector-sentences';
import type { ChangesPage, DirectoryChange } from '../../domain/directory';
import type { Language } from '../../domain/languages';
import { isBuiltInRecordType } from '../../domain/record-type';
import type { ApiContext } from '../context';
import type { testAnswerSchema } from './schemas';

type TestAnswer = z.output<typeof testAnswerSchema>;

const recordsShown = 10;

/** Fetches the first page of a CRM and says what it would become; writes nothing, there or here. */
export async function tryOut(
  { crm, db }: ApiContext,
  { tenantId, connector }: { tenantId: string; connector: Pick<StoredConnector, 'kind' | 'settings' | 'secret'> },
  language: Language,
): Promise<TestAnswer> {
  try {
    const page = await crm.open(connector).changes(null);
    const own = await db.inTenant(tenantId, (sql) => listRecordTypes(sql, tenantId));
    return shownPage(withKnownTypes(page, new Set(own.map(({ type }) => type))), language);
  } catch (error) {
    const refusal = crm.refusalOf(error);
    if (refusal === null) throw error;
    const { code, status } = refusal;
    const words = connectorSentence(code, language);
    return { ok: false, records: 0, unreadable: [], sample: [], code, httpStatus: status, words };
  }
}

type FirstPage = Pick<ChangesPage, 'changes' | 'unreadable'>;

/** Records of types that the tenant does not have would be refused by every pull. */
function withKnownTypes({ changes, unreadable }: FirstPage, own: ReadonlySet<string>): FirstPage {
  const isKnown = (change: DirectoryChange) =>
    change.kind !== 'upsert' || isBuiltInRecordType(change.record.type) || own.has(change.record.type);
  const refused = changes.flatMap((change) =>
    change.kind !== 'upsert' || isKnown(change)
      ? []
      : [{ externalId: change.record.externalId, reason: 'no-such-type' }],
  );
  return { changes: changes.filter(isKnown), unreadable: [...unreadable, ...refused] };
}

function shownPage({ changes, unreadable }: FirstPage, language: Language): TestAnswer {
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
