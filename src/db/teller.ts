/**
 * The order of a message's copies in which the first is the one that the message is told from: the oldest, but one of which only the header was
 * fetched says less than any other. For ORDER BY over rows of `copy`.
 */
export const tellerFirst = `raw_state = 'none', recorded_at, id`;
