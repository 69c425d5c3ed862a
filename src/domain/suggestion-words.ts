import type { Language } from './languages';
import type { SuggestionReason } from './suggestion';

const sentences: Readonly<Record<Language, Readonly<Record<SuggestionReason, string>>>> = {
  en: {
    'same-thread': 'Other messages of this thread are linked to it.',
    'same-address': 'The sender’s address is one of its addresses, of a kind that does not count for this mailbox.',
    'same-name': 'The sender has its name.',
    'same-domain': 'It has an address, or is the company, of the sender’s domain.',
  },
  de: {
    'same-thread': 'Andere Nachrichten dieser Unterhaltung sind mit ihm verknüpft.',
    'same-address': 'Die Adresse des Absenders ist eine der seinen, von einer Art, die hier nicht zählt.',
    'same-name': 'Der Absender heißt so.',
    'same-domain': 'Er hat eine Adresse in der Domain des Absenders oder ist die Firma dieser Domain.',
  },
  nl: {
    'same-thread': 'Andere berichten van dit gesprek zijn eraan gekoppeld.',
    'same-address': 'Het adres van de afzender is een van zijn adressen, van een soort die hier niet meetelt.',
    'same-name': 'De afzender heet zo.',
    'same-domain': 'Het heeft een adres in het domein van de afzender, of is het bedrijf van dat domein.',
  },
  ro: {
    'same-thread': 'Alte mesaje din această conversație sunt legate de ea.',
    'same-address': 'Adresa expeditorului este una dintre adresele ei, de un fel care nu contează aici.',
    'same-name': 'Expeditorul poartă acest nume.',
    'same-domain': 'Are o adresă în domeniul expeditorului sau este compania acestui domeniu.',
  },
};

/** Why a message may belong to a record, as a sentence for a person. */
export function suggestionSentence(reason: SuggestionReason, language: Language): string {
  return sentences[language][reason];
}
