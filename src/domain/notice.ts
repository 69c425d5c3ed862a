/** What the people of a mailbox are told: once when it begins, and once when it ends. */
export const noticeKinds = ['needs-password', 'no-success', 'not-complete', 'confirm-removal'] as const;

export type NoticeKind = (typeof noticeKinds)[number];

/** Why a notice no longer holds: the mailbox is well again, or it was stopped, and says nothing of how it is. */
export const noticeEnds = ['well', 'stopped'] as const;

export type NoticeEnd = (typeof noticeEnds)[number];
