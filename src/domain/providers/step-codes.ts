/** What a person must do before a mailbox can be connected. Each has its words in every language; a missing one does not compile. */
export type StepCode =
  | 'google-two-step'
  | 'google-app-password'
  | 'gmail-show-everything'
  | 'workspace-admin'
  | 'microsoft-oauth-only'
  | 'outlook-imap-on'
  | 'microsoft-365-admin'
  | 'yahoo-japan-access'
  | 'yahoo-app-password'
  | 'yahoo-shows-a-part'
  | 'aol-app-password'
  | 'fastmail-app-password'
  | 'icloud-two-factor'
  | 'icloud-app-password'
  | 'gmx-imap-on'
  | 'webde-imap-on'
  | 'united-internet-app-password'
  | 'hosting-mailbox-password'
  | 'telekom-mail-password'
  | 'confirm-server'
  | 'give-server'
  | 'mailbox-password';

/** The words of one language. */
export type StepTexts = Readonly<Record<StepCode, string>>;
