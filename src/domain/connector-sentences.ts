import { connectorTextsDe } from './connector-words/de';
import { connectorTextsEn } from './connector-words/en';
import { connectorTextsNl } from './connector-words/nl';
import { connectorTextsRo } from './connector-words/ro';
import type { ConnectorErrorCode, ConnectorTexts } from './connector-words/words';
import type { Language } from './languages';

const textsOf: Readonly<Record<Language, ConnectorTexts>> = {
  en: connectorTextsEn,
  de: connectorTextsDe,
  nl: connectorTextsNl,
  ro: connectorTextsRo,
};

/** For a person: what is wrong between Letterbook and a CRM, and what to do about it; of a code that nobody knows, that something is. */
export function connectorSentence(code: string, language: Language): string {
  const { errors, otherwise } = textsOf[language];
  return Object.hasOwn(errors, code) ? errors[code as ConnectorErrorCode] : otherwise;
}

/** For a person: how a connector is that nothing is wrong with. */
export function connectorStateSentence(state: 'paused' | 'first' | 'inStep', language: Language): string {
  return textsOf[language][state];
}

/** For a person: what came of the first page of a CRM. */
export function readSentence({ count, unreadable }: { count: number; unreadable: number }, language: Language): string {
  const { read, unread } = textsOf[language];
  return (unreadable === 0 ? read : unread)
    .replace('{count}', String(count))
    .replace('{unreadable}', String(unreadable));
}
