import { setImmediate } from 'node:timers/promises';

import { BlobDamaged, BlobNotFound } from '../db/blobs/blob-store';
import { hashesOfAddress, type AddressFingerprints } from '../db/erasures/erased-people';
import { parkedMailAfter, type ParkedMail } from '../db/people/erase-beside';
import { noteFound, readAddresses, readWords, unknownPeople, type UnknownPerson } from '../db/people/find-again';
import { normaliseAddress } from '../domain/address';
import { addressesIn, addressesInText } from './addresses-in';
import type { ActivityContext } from './context';

const parkedAtOnce = 200;

/**
 * Of people whose erasure was taken from the journal's file only fingerprints are known: all addresses of the tenant are held against them,
 * in its rows and in the bytes of parked mail. An erasure of which nothing is here leaves no deletion. All such people of the tenant are
 * looked for at once. Second run: nobody is left to look for.
 */
export async function findErasedPeople(
  context: ActivityContext,
  { tenantId, beat }: { tenantId: string; beat: () => void },
): Promise<void> {
  const { db, secretBox } = context;
  const people = await unknownPeople(db, tenantId);
  if (people.length === 0) return;
  const search = createSearch(people, secretBox.fingerprintsOf);
  const lookAt = (candidates: readonly string[]) => {
    beat();
    for (const candidate of candidates) search.look(candidate);
  };
  await readAddresses(db, tenantId, lookAt);
  await readWords(db, tenantId, (texts) => {
    for (const text of texts) lookAt(addressesInText(text));
  });
  let after: ParkedMail | null = null;
  do {
    const page: ParkedMail[] = await parkedMailAfter(db, tenantId, { after, limit: parkedAtOnce, until: null });
    for (const { blobId } of page) await lookInto(context, { tenantId, blobId, lookAt });
    after = page.at(-1) ?? null;
  } while (after !== null);
  await noteFound(db, tenantId, search.found);
}

async function lookInto(
  { blobs }: ActivityContext,
  { tenantId, blobId, lookAt }: { tenantId: string; blobId: string; lookAt: (candidates: string[]) => void },
): Promise<void> {
  try {
    const { content } = await blobs.open(tenantId, blobId);
    for await (const candidates of addressesIn(content as AsyncIterable<Buffer>)) {
      lookAt(candidates);
      await setImmediate();
    }
  } catch (error) {
    // It was read or deleted meanwhile, or its bytes are damaged for good.
    if (!(error instanceof BlobNotFound || error instanceof BlobDamaged)) throw error;
  }
}

/** An address stands in many places: it is hashed again only when so many others came between. */
const remembered = 20_000;

function createSearch(people: UnknownPerson[], fingerprintsOf: AddressFingerprints) {
  const found = new Map(people.map(({ deletionId }) => [deletionId, new Set<string>()]));
  const byHash = new Map<string, string[]>();
  for (const { deletionId, addressHashes } of people) {
    for (const hash of addressHashes) byHash.set(hash, [...(byHash.get(hash) ?? []), deletionId]);
  }
  const seen = new Set<string>();
  const look = (candidate: string): void => {
    const key = normaliseAddress(candidate);
    if (key === null || seen.has(key)) return;
    if (seen.size >= remembered) seen.clear();
    seen.add(key);
    const whose = hashesOfAddress(key, fingerprintsOf).flatMap((hash) => byHash.get(hash) ?? []);
    for (const deletionId of whose) found.get(deletionId)?.add(key);
  };
  return { look, found };
}
