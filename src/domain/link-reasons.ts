/**
 * The keys of reasons that people give, and that pass from message to message (`link_reason.key`, kinds `person` and `thread`). Ids are UUIDs.
 * `reply` is given to a message by the one it answers, and holds while that one has its link. `follow` and `unlinked` pass along a whole
 * conversation, from the messages that were there when a person linked the thread, or took it away. `snapshot` stays where it was put.
 */
export const reasonKeys = {
  reply: (messageId: string) => `reply:${messageId}`,
  follow: (threadLinkId: string) => `follow:${threadLinkId}`,
  snapshot: (threadLinkId: string) => `snapshot:${threadLinkId}`,
  unlinked: (threadLinkId: string) => `unlinked:${threadLinkId}`,
  /** One message, linked by hand. */
  byHand: 'by-hand',
  /** One message, taken away by hand. */
  takenAway: 'taken-away',
} as const;

/** How a person links a thread: the messages that are in it now, or also those that come later. */
export type ThreadLinkMode = 'snapshot' | 'follow';
