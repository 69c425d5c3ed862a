/** Why a CRM could not be asked or told. */
export type ConnectorErrorCode =
  | 'host-not-found'
  | 'host-not-allowed'
  | 'tls-needed'
  | 'connection-failed'
  | 'certificate-not-trusted'
  | 'timed-out'
  | 'server-error'
  | 'too-many-requests'
  | 'token-refused'
  | 'redirected'
  | 'request-refused'
  | 'answer-too-large'
  | 'answer-not-json'
  | 'answer-unexpected'
  | 'secret-unreadable'
  | 'settings-unreadable';

/** What a person is told of a CRM, in one language. In `read` and `unread` stand {count}, of records and changes, and {unreadable}. */
export interface ConnectorTexts {
  /** What is wrong, and what to do about it. */
  errors: Readonly<Record<ConnectorErrorCode, string>>;
  otherwise: string;
  paused: string;
  first: string;
  inStep: string;
  read: string;
  unread: string;
}
