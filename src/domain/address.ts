const maxLocalOctets = 256; // RFC 5321 4.5.3.1.1 says 64; bounce addresses (VERP, SRS) in use are longer
const maxDomainOctets = 253; // RFC 1035 2.3.4, without the root's dot

/**
 * The form in which addresses are compared, everywhere: `local@domain`, the local part in lower case and NFC (RFC 6532 3.1), unquoted where
 * it can be (RFC 5321 4.1.2: the quoted form is the same mailbox), the domain in lower case (RFC 5321 2.4) as A-labels (RFC 5890 2.3.2.1)
 * without trailing dots. RFC 5321 2.4 lets a host tell local parts apart by case, and discourages it: none in use does.
 * Null for what is no address.
 */
export function normaliseAddress(address: string): string | null {
  const text = address.trim();
  const at = text.lastIndexOf('@');
  if (at < 1) return null;
  const local = normaliseLocalPart(text.slice(0, at));
  const domain = normaliseDomain(text.slice(at + 1));
  return local === null || domain === null ? null : `${local}@${domain}`;
}

// RFC 5322 3.2.3 atext and dots, and RFC 6531 3.3 UTF8-non-ascii. Stray dots are in real use (docomo.ne.jp), so they are let in.
const dotAtom = /^[\w!#$%&'*+\-/=?^`{|}~.\u00a1-\uffff]+$/;
// Spaces, controls and format characters outside ASCII: two addresses that look the same must not differ by them.
const invisible = /[\p{Z}\p{C}]/u;

function normaliseLocalPart(local: string): string | null {
  // The length first: what follows looks at every character.
  if (local.length > maxLocalOctets) return null;
  const folded = local.normalize('NFC').toLowerCase().normalize('NFC');
  if (dotAtom.test(folded)) return invisible.test(folded) ? null : folded;
  const content = unquote(folded);
  if (content === null) return null;
  if (dotAtom.test(content) && !invisible.test(content)) return content;
  return `"${content.replace(/[\\"]/g, '\\$&')}"`;
}

/** The content of a quoted string (RFC 5322 3.2.4), null where it is none or holds controls. */
function unquote(text: string): string | null {
  const quoted = /^"((?:[^"\\]|\\.)*)"$/su.exec(text)?.[1];
  if (quoted === undefined) return null;
  const content = quoted.replace(/\\(.)/gsu, '$1');
  return content === '' || /\p{C}/u.test(content) ? null : content;
}

const ldhDomain = /^[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)*$/;
const addressLiteral = /^\[[0-9a-z.:-]+\]$/;

/** The domain of an address in its normal form. */
export function domainOf(addressKey: string): string {
  return addressKey.slice(addressKey.lastIndexOf('@') + 1);
}

const gmailAddress = /^([^"@+]+)(?:\+[^"@]*)?@(?:gmail|googlemail)\.com$/;

/**
 * The account of Gmail that an address in its normal form leads to, as `name@gmail.com` without dots and tag; null for any other address.
 * Source: Google's help page "Dots don't matter in Gmail addresses" (support.google.com/mail/answer/7436150), which says it of consumer
 * accounts alone: domains of companies at Google tell dots apart. The columns `gmail_key` of the database say the same.
 */
export function gmailAccount(addressKey: string): string | null {
  const name = gmailAddress.exec(addressKey)?.[1]?.replaceAll('.', '') ?? '';
  return name === '' ? null : `${name}@gmail.com`;
}

/** A domain in lower case as A-labels without trailing dots, as it stands in the normal form of addresses; null for what is none. */
export function normaliseDomain(domain: string): string | null {
  // A U-label shorter than its A-label is possible, a longer one than 253 characters is not.
  if (domain.length > maxDomainOctets + 2) return null;
  const lower = domain.toLowerCase().replace(/\.{1,2}$/, '');
  if (lower.length > maxDomainOctets) return null;
  if (addressLiteral.test(lower)) return lower;
  if (/^[\x21-\x7e]*$/.test(lower)) return ldhDomain.test(lower) && labelsFit(lower) ? lower : null;
  return aLabels(lower);
}

function labelsFit(domain: string): boolean {
  return domain.split('.').every((label) => label.length <= 63);
}

/** UTS 46 as the URL standard applies it to hosts; what could mean anything else in a URL is refused before. */
function aLabels(domain: string): string | null {
  if (!/^[\w\-.\u00a1-\uffff]+$/.test(domain) || invisible.test(domain)) return null;
  let host: string;
  try {
    host = new URL(`http://${domain}`).hostname.replace(/\.+$/, '');
  } catch {
    return null;
  }
  return host.length <= maxDomainOctets && ldhDomain.test(host) && labelsFit(host) ? host : null;
}
