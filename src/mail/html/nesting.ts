import { Parser } from 'htmlparser2';

class TooDeep extends Error {}

/**
 * Whether elements stand inside one another to more than `limit`, as the parser sees it that the sanitiser uses: what looks like a tag in an
 * attribute is none, and `<p>` after `<p>` closes the first. Stops there, because the parser's own time grows with the depth.
 */
export function nestsDeeperThan(html: string, limit: number): boolean {
  let depth = 0;
  const parser = new Parser({
    onopentagname: () => {
      depth += 1;
      if (depth > limit) throw new TooDeep();
    },
    onclosetag: () => {
      depth -= 1;
    },
  });
  try {
    parser.end(html);
    return false;
  } catch (error) {
    if (error instanceof TooDeep) return true;
    throw error;
  }
}
