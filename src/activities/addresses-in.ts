/** How much of a text on each side of an `@` may belong to an address: what is longer is none (`normaliseAddress`). */
const reach = 256;

/**
 * What may be an address in bytes as they are, in flat memory; some come more than once, and most of what comes of strange bytes is none. It
 * finds what `holdsAny` finds of an address that is known, but for domains that are written in another script.
 */
export async function* addressesIn(content: AsyncIterable<Buffer>): AsyncIterable<string[]> {
  let text = '';
  let from = 0;
  for await (const piece of content) {
    text += piece.toString('latin1');
    const until = Math.max(from, text.length - reach);
    yield candidatesIn(text, { from, until });
    const kept = Math.max(0, until - reach);
    text = text.slice(kept);
    from = until - kept;
  }
  yield candidatesIn(text, { from, until: text.length });
}

/** The same of a text, all at once. */
export function addressesInText(text: string): string[] {
  const bytes = Buffer.from(text).toString('latin1');
  return candidatesIn(bytes, { from: 0, until: bytes.length });
}

/** Around each `@` of a span. A character is a byte. */
function candidatesIn(text: string, { from, until }: { from: number; until: number }): string[] {
  const found = new Set<string>();
  for (let at = text.indexOf('@', from); at >= 0 && at < until; at = text.indexOf('@', at + 1)) {
    for (const domain of domainsFrom(text, at + 1)) {
      for (const local of localsBefore(text, at)) found.add(`${local}@${domain}`);
    }
  }
  return [...found].map((candidate) => Buffer.from(candidate, 'latin1').toString());
}

// Without and with the underscore, which stands in hardly any domain and may stand behind one; an address literal.
const domains = [/[a-z0-9-]+(?:\.[a-z0-9-]+)*/iy, /[\w-]+(?:\.[\w-]+)*/iy, /\[[0-9a-z.:-]+\]/iy] as const;

function domainsFrom(text: string, start: number): string[] {
  const found = domains.flatMap((domain) => {
    domain.lastIndex = start;
    const [run] = domain.exec(text) ?? [];
    return run === undefined || run.length > reach ? [] : [run];
  });
  return [...new Set(found)];
}

const partOfLocal = /[\w!#$%&'*+\-/=?^`{|}~.\x80-\xff]/;
/** Behind these an address may begin, although they may be part of one: few are made with them. */
const apart = /[!#$&*/=?^`{|}~\x80-\xff]/g;
const innerStarts = 8;

function localsBefore(text: string, at: number): string[] {
  const least = Math.max(0, at - reach);
  if (text[at - 1] === '"') return quotedBefore(text, { least, at });
  let start = at;
  while (start > least && partOfLocal.test(text[start - 1] ?? '')) start -= 1;
  const longest = text.slice(start, at);
  const inner = [...longest.matchAll(apart)].slice(-innerStarts).map(({ index }) => longest.slice(index + 1));
  return [longest, ...inner].filter((local) => local !== '');
}

/** The quoted string that ends at an `@`: from its opening quote, or where none stands in reach, from the first that is escaped. */
function quotedBefore(text: string, { least, at }: { least: number; at: number }): string[] {
  if (isEscaped(text, { least, at: at - 1 })) return [];
  let first = -1;
  for (let open = at - 2; open >= least; open -= 1) {
    if (text[open] !== '"') continue;
    first = open;
    if (!isEscaped(text, { least, at: open })) break;
  }
  return first < 0 ? [] : [text.slice(first, at)];
}

function isEscaped(text: string, { least, at }: { least: number; at: number }): boolean {
  let start = at;
  while (start > least && text[start - 1] === '\\') start -= 1;
  return (at - start) % 2 === 1;
}
