const maxIdCharacters = 998; // RFC 5322 2.1.1: no line is longer, and an id cannot be folded

/**
 * All message ids in a header, in order, each with its angle brackets. Whatever stands between them (nothing, commas, comments, quoted
 * text) does not matter: `<a@b><c@d>` without a space is common.
 */
function messageIdsIn(value: string): string[] {
  return (value.match(/<[^<>\s]+>/g) ?? []).filter((id) => id.length <= maxIdCharacters);
}

/** The id of a Message-ID header with its angle brackets, also where the header has none; null where there is no id in it. */
export function messageIdOf(value: string): string | null {
  const id = messageIdsIn(value)[0];
  if (id !== undefined) return id;
  const bare = value.trim();
  return bare.length > 0 && bare.length < maxIdCharacters - 2 && !/[<>\s]/.test(bare) ? `<${bare}>` : null;
}

/**
 * The ids that a message refers to, oldest first: those of References, then what In-Reply-To adds (RFC 5322 3.6.4). Above `maxReferences`
 * the first, which began the thread, and the last are kept.
 */
export function referencesOf(headers: { references: string; inReplyTo: string }, maxReferences: number): string[] {
  const ids = new Set(messageIdsIn(headers.references));
  for (const id of messageIdsIn(headers.inReplyTo)) ids.add(id);
  const ordered = [...ids];
  if (ordered.length <= maxReferences) return ordered;
  return [...ordered.slice(0, 1), ...ordered.slice(ordered.length - maxReferences + 1)];
}

/**
 * Of the references of a message, oldest first, those by which it is known what it answers: the nearest, and the one that began the thread;
 * at most `most`. A message names its parent last (RFC 5322 3.6.4), and what lies between is known from the parent.
 */
export function nearestReferences(references: readonly string[], most: number): string[] {
  if (references.length <= most) return [...references];
  return [...references.slice(0, 1), ...references.slice(references.length - most + 1)];
}
