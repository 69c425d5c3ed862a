import type { Sql } from './database';
import { conditionsOf, noConditions, type MessageConditions } from './timeline-conditions';
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

export interface Search extends MessageConditions {
  words: SearchWords;
  /** A record, or one of the pseudo-records of timeline-write.ts. */
  recordId: string;
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
  const values: unknown[] = [
    reader.tenantId,
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
  ];
  const { type, attachments, seen, status } = search;
  // What the function does not ask is asked of its hits.
  const beside = conditionsOf({ ...noConditions, type, attachments, seen, status }, reader, (given, of) => {
    return `$${String(values.push(given))}::${of}`;
  });
  const rows = await sql.query<(Hit | { messageId: null }) & { found: number }>(
    `SELECT message_id AS "messageId", sort_at AS "sortAt", level, rank, found FROM (
       SELECT h.*, count(*) OVER () AS found
       FROM search_messages($2::integer[], $3::uuid, $4, $5, $6::uuid, $7::uuid, $8, $9, $10::timestamptz, $11::timestamptz, $12) h
     ) t WHERE $1::uuid IS NOT NULL AND (message_id IS NULL OR (true ${beside.map((condition) => condition('t')).join(' ')}))
     ORDER BY sort_at DESC, message_id DESC`,
    values,
  );
  // A row of nulls: of a reader who has just lost mail not all candidates were asked.
  const newestFirst = rows.filter((row) => row.messageId !== null);
  // The sort is stable: among equals the newest stay first.
  const hits = newestFirst.slice(0, maxRankedHits).sort((one, other) => other.rank - one.rank);
  return { hits, more: (rows[0]?.found ?? 0) > maxRankedHits || newestFirst.length < rows.length };
}
