import { connectTextsDe } from './connect-words/de';
import { connectTextsEn } from './connect-words/en';
import { connectTextsNl } from './connect-words/nl';
import { connectTextsRo } from './connect-words/ro';
import type { ConnectTexts } from './connect-words/words';
import type { Discovery } from './discovery';
import type { ConnectCode } from './failure';
import type { Language } from './languages';
import type { PreviewWarningCode } from './preview-warnings';
import { presetOfHost } from './provider-presets';
import { stepTexts } from './providers/steps';
import { codeSentence, remedyFor } from './state-sentences';

const textsOf: Readonly<Record<Language, ConnectTexts>> = {
  en: connectTextsEn,
  de: connectTextsDe,
  nl: connectTextsNl,
  ro: connectTextsRo,
};

/**
 * For a person: why a server could not be connected to, and what to do about it; where a known provider refuses a login, what its customers
 * most likely left out.
 */
export function connectionSentence(code: ConnectCode, host: string, language: Language): string {
  const remedy = code === 'login-refused' ? textsOf[language].checkLogin : remedyFor('connecting', code, language);
  const sentence = `${codeSentence(code, language)} ${remedy ?? ''}`.trim();
  const preset = code === 'login-refused' || code === 'imap-disabled' ? presetOfHost(host) : null;
  return preset === null ? sentence : `${sentence} ${preset.name}: ${stepTexts[language][preset.loginStep]}`;
}

/** For a person: how a server was found that nobody has confirmed yet. */
export function foundSentence(source: Discovery['source'], language: Language): string {
  return textsOf[language].found[source];
}

/** For a person: what looks wrong with a mailbox before it is connected, and what to do about it. */
export function warningSentence(code: PreviewWarningCode, language: Language): string {
  return textsOf[language].warnings[code];
}
