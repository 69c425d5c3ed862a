/** What a timeline can be narrowed to: letters between people, a kind of mail by its mark, or what became an activity. */
export const messageTypes = ['mail', 'auto-reply', 'bounce', 'mailing-list', 'invitation', 'activity'] as const;
export type MessageType = (typeof messageTypes)[number];

/** The marks of what no person wrote to somebody: `mail` is without them. */
export const marksOfMachines = ['auto-reply', 'bounce', 'mailing-list', 'bulk'] as const;
