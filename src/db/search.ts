import type { Direction } from '../domain/direction';
import type { Sql } from './database';
import { principalsOf, type Level, type Reader } from './timeline-read';

/** What is looked for: words in the language of websearch_to_tsquery, the last one also as the beginning of a longer word. */
export interface SearchWords {
  words: string;
  lastWord: string;
}

/** A message that has the words. `rank` orders hits of one search, and means nothing elsewhere. */
export interface Hit {
  messageId: string;
  sortAt: Date;
  level: Level;
  rank: number;
}

export interface Search {
  words: SearchWords;
  /** A record, or one of the pseudo-records of timeline-write.ts. */
  recordId: string;
  sourceId: string | null;
  addressKey: string | null;
  direction: Direction | null;
  since: Date | null;
  until: Date | null;
}

/** Of more hits than this only the newest are ranked and shown. */
export const maxRankedHits = 2_000;

/**
 * The query as a person writes it: words, "phrases", -excluded words, or. Punctuation within a word makes it a phrase, because the index
 * has words only. Where the last is a plain word, it also finds longer ones; so a word that is still being typed finds something.
 */
export function searchWords(query: string): SearchWords {
  const terms = query.match(/-?"[^"]*"?|\S+/g) ?? [];
  const last = terms.at(-1) ?? '';
  const hasPlainLast = terms.length > 0 && !/^-|"/.test(last) && !terms.some((term) => term.toLowerCase() === 'or');
  const whole = hasPlainLast ? terms.slice(0, -1) : terms;
  return { words: whole.map(phraseWhereNeeded).join(' '), lastWord: hasPlainLast ? last : '' };
}

function phraseWhereNeeded(term: string): string {
  if (term.includes('"')) return asPhrase(term);
  return /^-?[\p{L}\p{N}\p{M}]+$/u.test(term) ? term : asPhrase(term);
}

function asPhrase(term: string): string {
  const minus = term.startsWith('-') ? '-' : '';
  return `${minus}"${term
    .slice(minus.length)
    .replace(/[^\p{L}\p{N}\p{M}]+/gu, ' ')
    .trim()}"`;
}

/** The hits that the reader may see, best first; `more` where older ones were not even ranked. */
export async function searchMessages(
  sql: Sql,
  reader: Reader,
  search: Search,
): Promise<{ hits: Hit[]; more: boolean }> {
  const rows = await sql.query<Hit | { messageId: null }>(
    `SELECT message_id AS "messageId", sort_at AS "sortAt", level, rank
     FROM search_messages($1::integer[], $2::uuid, $3, $4, $5::uuid, $6::uuid, $7, $8, $9::timestamptz, $10::timestamptz, $11)
     ORDER BY sort_at DESC, message_id DESC`,
    [
      principalsOf(reader),
      reader.userId,
      search.words.words,
      search.words.lastWord,
      search.recordId,
      search.sourceId,
      search.addressKey,
      search.direction,
      search.since,
      search.until,
      maxRankedHits,
    ],
  );
  // A row of nulls: of a reader who has just lost mail not all candidates were asked.
  const newestFirst = rows.filter((row) => row.messageId !== null);
  // The sort is stable: among equals the newest stay first.
  const hits = newestFirst.slice(0, maxRankedHits).sort((one, other) => other.rank - one.rank);
  return { hits, more: newestFirst.length > maxRankedHits || newestFirst.length < rows.length };
}
