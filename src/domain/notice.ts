/** What the people of a mailbox are told: once when it begins, and once when it is well again. */
export const noticeKinds = ['needs-password', 'no-success', 'not-complete', 'confirm-removal'] as const;

export type NoticeKind = (typeof noticeKinds)[number];
