import { beginErasure } from '../../db/people/begin-erasure';
import { previewErasure, type ErasurePreview } from '../../db/people/preview-erasure';
import { insertAudit } from '../../db/mailbox-write';
import { publicId } from '../../domain/ids';
import type { ApiContext } from '../context';
import { EngineUnavailable } from '../temporal-gateway';
import { actorOf, type Viewer } from '../viewer';
import { within } from '../within';
import { dryRunConfirmed, erasureNotConfirmed, otherConfirmed, ownAddress } from './refusals';

/** The body of an erasure, its addresses normalised. */
interface ErasureWish {
  addresses: { key: string }[];
  dryRun?: boolean | undefined;
  confirm?: { key: string }[] | undefined;
}

/** @throws Problem 400 where nothing is confirmed, or a count is; 422 where other addresses are */
export function checkConfirmed({ addresses, dryRun, confirm }: ErasureWish): 'count' | 'erase' {
  if (dryRun === true) {
    if (confirm !== undefined) throw dryRunConfirmed();
    return 'count';
  }
  if (confirm === undefined) throw erasureNotConfirmed();
  const confirmed = new Set(confirm.map(({ key }) => key));
  if (confirmed.size !== addresses.length || addresses.some(({ key }) => !confirmed.has(key))) throw otherConfirmed();
  return 'erase';
}

/** Counts what erasing a person would erase. @throws Problem 409 for one of the tenant's own people */
export async function countPerson(
  { db }: ApiContext,
  { tenantId }: Viewer,
  addressKeys: string[],
): Promise<ErasurePreview> {
  const counted = await previewErasure(db, tenantId, addressKeys);
  if (counted.kind === 'own') throw ownAddress(counted);
  return counted.preview;
}

/**
 * Begins the erasure of a person, durably, then tells the engine; the deletion's UUID. One that is under way already is answered with its
 * deletion. @throws Problem 409 for one of the tenant's own people
 */
export async function erasePerson(context: ApiContext, viewer: Viewer, addressKeys: string[]): Promise<string> {
  const { tenantId } = viewer;
  const { fingerprintsOf } = context.secretBox;
  const actor = actorOf(viewer);
  const begun = await context.db.inTenant(tenantId, async (sql) => {
    const begun = await beginErasure(sql, { tenantId, addressKeys, actor, fingerprintsOf });
    if (begun.kind === 'own') throw ownAddress(begun);
    const ids = { deletionId: publicId('deletion', begun.deletionId) };
    await insertAudit(sql, tenantId, { actor, action: 'person erase', ids });
    return begun;
  });
  await tellEngine(context, { tenantId, deletionId: begun.deletionId });
  return begun.deletionId;
}

/** As long as an engine that is well takes. */
const answerMs = 150;

/** Where it cannot be reached, the reconciler starts the erasure: nothing is lost. An engine that takes its time is not waited for. */
async function tellEngine(
  { temporal, log }: ApiContext,
  erasure: { tenantId: string; deletionId: string },
): Promise<void> {
  const told = temporal.erasePerson(erasure).catch((error: unknown) => {
    if (!(error instanceof EngineUnavailable)) throw error;
    log.warn({ deletionId: publicId('deletion', erasure.deletionId) }, 'engine not told, left to the reconciler');
  });
  await within(told, answerMs);
}
