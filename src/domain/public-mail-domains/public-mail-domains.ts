import { listedDomains } from './listed';

/** Domains that providers give to anybody and that the list lacks, added by hand on 22 November 2026. */
const added = [
  'mailbox.org',
  'hey.com',
  'tutanota.com',
  'vodafone.de',
  'a1.net',
  'rdslink.ro',
  'clicknet.ro',
  'romtelecom.ro',
  'hotmail.ro',
];

let known: ReadonlySet<string> | null = null;

/** Whether anybody can have an address of this domain, so that it says nothing of a company. The domain is in its normal form. */
export function isPublicMailDomain(domain: string): boolean {
  known ??= new Set([...listedDomains.trim().split(/\s+/), ...added]);
  return known.has(domain);
}
