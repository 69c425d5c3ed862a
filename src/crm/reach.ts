/** How a CRM is reached: within which time and size, and at which of its addresses. */
export interface Reach {
  timeoutMs: number;
  maxAnswerBytes: number;
  /**
   * The addresses of a host that may be connected to, checked; what is connected to is one of them, never the name again.
   * @throws MailFailure `refused` where the host, or going there in clear, is not allowed; `unreachable` where there is none
   */
  resolve: (host: string, way: 'tls' | 'clear') => Promise<[{ address: string; family: number }, ...unknown[]]>;
}
