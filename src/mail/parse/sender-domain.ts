import { parseAddressList } from './address-list';
import { scanHeader } from './header-block';

const scannedBytes = 262_144;

/**
 * Whether a message that may be unreadable comes from this domain, or one below it: by the addresses of its From and Sender headers, as far
 * as they stand within its first 256 kB.
 */
export function isFromDomain(raw: Buffer, domain: string): boolean {
  const header = scanHeader(raw, scannedBytes);
  const wanted = domain.toLowerCase();
  return ['from', 'sender']
    .flatMap((name) => parseAddressList(header.first(name) ?? ''))
    .map(({ address }) => address.slice(address.lastIndexOf('@') + 1).toLowerCase())
    .some((found) => found === wanted || found.endsWith(`.${wanted}`));
}
