import type { Discovery } from '../discovery';
import type { PreviewWarningCode } from '../preview-warnings';

/** What a person is told who is about to connect a mailbox, in one language; why a connection fails is in `state-words`. */
export interface ConnectTexts {
  /** What to do about a refused login where there is no mailbox yet. */
  checkLogin: string;
  /** How a server was found that nobody has confirmed yet. */
  found: Readonly<Record<Discovery['source'], string>>;
  /** What looks wrong with a mailbox before it is connected, and what to do about it. */
  warnings: Readonly<Record<PreviewWarningCode, string>>;
}
