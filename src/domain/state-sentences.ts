import type { Language } from './languages';
import type { MailboxState } from './mailbox-state';
import type { NoticeEnd, NoticeKind } from './notice';
import { stateTextsDe } from './state-words/de';
import { stateTextsEn } from './state-words/en';
import { stateTextsNl } from './state-words/nl';
import { stateTextsRo } from './state-words/ro';
import { reasonCodes, type ReasonCode, type StateTexts, type Words } from './state-words/words';

const textsOf: Readonly<Record<Language, StateTexts>> = {
  en: stateTextsEn,
  de: stateTextsDe,
  nl: stateTextsNl,
  ro: stateTextsRo,
};

/** What a code means, for a person. A code without words of its own is told as itself. */
export function codeSentence(code: string, language: Language): string {
  return wordsOfCode(code, language)?.sentence ?? textsOf[language].unknownReason.replace('{code}', code);
}

/** Why a mailbox is in its state, for a person. `code` is `state_reason`. */
export function stateSentence(state: MailboxState, code: string | null, language: Language): string {
  const words = code === null ? null : wordsOfCode(code, language);
  return (words ?? textsOf[language].states[state]).sentence;
}

/** What a person can do about it; null where it needs nobody. The reason knows better than the state. */
export function remedyFor(state: MailboxState, code: string | null, language: Language): string | null {
  const words = code === null ? null : wordsOfCode(code, language);
  return words?.remedy ?? textsOf[language].states[state].remedy;
}

/** What a person can do where removals wait for an answer. */
export function removalsRemedy(language: Language): string {
  return textsOf[language].answerRemovals;
}

/** What a person is told of a mailbox that is not well, is well again, or was stopped before it was. */
export function noticeSentence(kind: NoticeKind, now: 'raised' | NoticeEnd, language: Language): string {
  return textsOf[language].notices[kind][now];
}

function wordsOfCode(code: string, language: Language): Words | null {
  return isReasonCode(code) ? textsOf[language].reasons[code] : null;
}

function isReasonCode(code: string): code is ReasonCode {
  return reasonCodes.some((known) => known === code);
}
