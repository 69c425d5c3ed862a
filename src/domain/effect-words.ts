import type { Language } from './languages';
import type { EffectCode } from './policy-effects';

type EffectTexts = Readonly<Record<EffectCode, string>>;

const en: EffectTexts = {
  reconnects: 'The mailbox logs in anew; a round that is under way is broken off and begun again.',
  'folders-enter':
    'With the next round folders come into scope. Their mail from the start point on is fetched, older mail gets its row in the ledger.',
  'folders-leave':
    'With the next round folders leave the scope. New mail in them is not fetched; what is recorded stays.',
  'refresh-time': 'The new refresh time holds from the end of the next round on.',
  'visibility-of-new-mail':
    'Mail that is recorded from now on gets the new visibility; what is recorded keeps its own.',
  'attachments-of-new-mail': 'Attachments of mail that is recorded from now on are treated so; what is stored stays.',
  'size-of-new-mail':
    'The new limit of size holds for mail that is fetched from now on; mail with headers only stays so.',
  'unmatched-new-mail-kept': 'From now on mail of unknown addresses is kept; what was left out is not fetched again.',
  'unmatched-new-mail-dropped': 'From now on mail of unknown addresses is left out; what is recorded stays.',
  'mail-matched-again':
    'Mail is matched so, and what this mailbox has recorded is matched again; what people linked or took away stays.',
  'removals-mirrored':
    'Mail that was removed on the server is removed here after the grace time; very much at once waits for your answer.',
  'removals-kept': 'Mail that is removed on the server stays here from now on.',
  'removal-grace':
    'Mail that is found to be removed on the server from now on waits for the new grace time, where removals are mirrored; what waits already keeps its own.',
  'flags-followed': 'From the next round on flags follow the server.',
  'flags-ignored': 'Flags stay as they are now.',
  'new-mail-marked-seen': 'Mail that is recorded from now on is marked as read on the server.',
  'new-mail-not-marked-seen': 'Mail is no longer marked as read on the server.',
  'activities-of-new-mail':
    'Mail that is recorded from now on becomes activities of this type and status; mail that lacks the user or subject that is asked for is left out. What is recorded stays as it is.',
  'no-activities-of-new-mail':
    'Mail that is recorded from now on becomes no activity; the activities that are there stay.',
  'activities-removed': 'Activities of mail that goes from now on go with it; notes that are there stay.',
  'activities-noted': 'Activities of mail that goes from now on stay as notes without content.',
  'stop-keeps': 'Whoever stops the mailbox from now on keeps what is recorded.',
  'stop-deletes': 'Whoever stops the mailbox from now on deletes it, with all that came by it.',
  'deletion-undo': 'It matters only when the mailbox is deleted.',
};

const de: EffectTexts = {
  reconnects: 'Das Postfach meldet sich neu an; ein laufender Durchgang wird abgebrochen und neu begonnen.',
  'folders-enter':
    'Mit dem nächsten Durchgang kommen Ordner hinzu. Ihre Mail ab dem Startpunkt wird geholt, ältere bekommt ihre Zeile im Ledger.',
  'folders-leave':
    'Mit dem nächsten Durchgang fallen Ordner weg. Neue Mail darin wird nicht geholt; was erfasst ist, bleibt.',
  'refresh-time': 'Die neue Abrufzeit gilt ab dem Ende des nächsten Durchgangs.',
  'visibility-of-new-mail': 'Ab jetzt erfasste Mail bekommt die neue Sichtbarkeit; erfasste behält ihre.',
  'attachments-of-new-mail': 'Anhänge von ab jetzt erfasster Mail werden so behandelt; was gespeichert ist, bleibt.',
  'size-of-new-mail':
    'Die neue Größengrenze gilt für ab jetzt geholte Mail; Mail, von der nur der Kopf da ist, bleibt so.',
  'unmatched-new-mail-kept':
    'Ab jetzt wird Mail unbekannter Adressen behalten; was ausgelassen wurde, wird nicht nachgeholt.',
  'unmatched-new-mail-dropped': 'Ab jetzt wird Mail unbekannter Adressen ausgelassen; was erfasst ist, bleibt.',
  'mail-matched-again':
    'Mail wird so zugeordnet, und die erfasste Mail dieses Postfachs wird neu zugeordnet; was Personen verknüpft oder gelöst haben, bleibt.',
  'removals-mirrored':
    'Mail, die auf dem Server entfernt wurde, wird hier nach der Frist entfernt; sehr viel auf einmal wartet auf Ihre Antwort.',
  'removals-kept': 'Mail, die auf dem Server entfernt wird, bleibt hier ab jetzt erhalten.',
  'removal-grace':
    'Mail, deren Entfernung auf dem Server ab jetzt bemerkt wird, wartet die neue Frist ab, sofern Entfernungen übernommen werden; was schon wartet, behält seine.',
  'flags-followed': 'Ab dem nächsten Durchgang folgen Markierungen dem Server.',
  'flags-ignored': 'Markierungen bleiben, wie sie jetzt sind.',
  'new-mail-marked-seen': 'Ab jetzt erfasste Mail wird auf dem Server als gelesen markiert.',
  'new-mail-not-marked-seen': 'Mail wird auf dem Server nicht mehr als gelesen markiert.',
  'activities-of-new-mail':
    'Ab jetzt erfasste Mail wird zu Aktivitäten dieser Art und dieses Status; Mail ohne den verlangten Benutzer oder Betreff wird ausgelassen. Was erfasst ist, bleibt, wie es ist.',
  'no-activities-of-new-mail': 'Ab jetzt erfasste Mail wird nicht zu Aktivitäten; vorhandene Aktivitäten bleiben.',
  'activities-removed': 'Aktivitäten von Mail, die ab jetzt entfernt wird, gehen mit ihr; vorhandene Notizen bleiben.',
  'activities-noted': 'Aktivitäten von Mail, die ab jetzt entfernt wird, bleiben als Notizen ohne Inhalt.',
  'stop-keeps': 'Wer das Postfach ab jetzt beendet, behält, was erfasst ist.',
  'stop-deletes': 'Wer das Postfach ab jetzt beendet, löscht es, mit allem, was durch es gekommen ist.',
  'deletion-undo': 'Das zählt erst, wenn das Postfach gelöscht wird.',
};

const nl: EffectTexts = {
  reconnects: 'Het postvak meldt zich opnieuw aan; een lopende ronde wordt afgebroken en opnieuw begonnen.',
  'folders-enter':
    'Met de volgende ronde komen er mappen bij. Hun mail vanaf het startpunt wordt opgehaald, oudere krijgt een regel in het grootboek.',
  'folders-leave':
    'Met de volgende ronde vallen er mappen af. Nieuwe mail daarin wordt niet opgehaald; wat is vastgelegd, blijft.',
  'refresh-time': 'De nieuwe verversingstijd geldt vanaf het einde van de volgende ronde.',
  'visibility-of-new-mail':
    'Mail die vanaf nu wordt vastgelegd, krijgt de nieuwe zichtbaarheid; vastgelegde houdt de zijne.',
  'attachments-of-new-mail':
    'Bijlagen van mail die vanaf nu wordt vastgelegd, worden zo behandeld; wat is opgeslagen, blijft.',
  'size-of-new-mail':
    'De nieuwe maximale grootte geldt voor mail die vanaf nu wordt opgehaald; mail met alleen de kop blijft zo.',
  'unmatched-new-mail-kept':
    'Vanaf nu wordt mail van onbekende adressen bewaard; wat is weggelaten, wordt niet alsnog opgehaald.',
  'unmatched-new-mail-dropped': 'Vanaf nu wordt mail van onbekende adressen weggelaten; wat is vastgelegd, blijft.',
  'mail-matched-again':
    'Mail wordt zo gekoppeld, en de vastgelegde mail van dit postvak wordt opnieuw gekoppeld; wat mensen hebben gekoppeld of losgemaakt, blijft.',
  'removals-mirrored':
    'Mail die op de server is verwijderd, wordt hier na de wachttijd verwijderd; heel veel tegelijk wacht op uw antwoord.',
  'removals-kept': 'Mail die op de server wordt verwijderd, blijft hier vanaf nu bewaard.',
  'removal-grace':
    'Mail waarvan vanaf nu wordt gemerkt dat ze op de server is verwijderd, wacht de nieuwe wachttijd af, als verwijderingen worden gevolgd; wat al wacht, houdt de zijne.',
  'flags-followed': 'Vanaf de volgende ronde volgen markeringen de server.',
  'flags-ignored': 'Markeringen blijven zoals ze nu zijn.',
  'new-mail-marked-seen': 'Mail die vanaf nu wordt vastgelegd, wordt op de server als gelezen gemarkeerd.',
  'new-mail-not-marked-seen': 'Mail wordt op de server niet meer als gelezen gemarkeerd.',
  'activities-of-new-mail':
    'Mail die vanaf nu wordt vastgelegd, wordt een activiteit van dit type en met deze status; mail zonder de vereiste gebruiker of het vereiste onderwerp wordt weggelaten. Wat is vastgelegd, blijft zoals het is.',
  'no-activities-of-new-mail':
    'Mail die vanaf nu wordt vastgelegd, wordt geen activiteit; activiteiten die er zijn, blijven.',
  'activities-removed': 'Activiteiten van mail die vanaf nu verdwijnt, verdwijnen mee; notities die er zijn, blijven.',
  'activities-noted': 'Activiteiten van mail die vanaf nu verdwijnt, blijven als notities zonder inhoud.',
  'stop-keeps': 'Wie het postvak vanaf nu stopt, houdt wat is vastgelegd.',
  'stop-deletes': 'Wie het postvak vanaf nu stopt, verwijdert het, met alles wat erdoor is binnengekomen.',
  'deletion-undo': 'Dit telt pas als het postvak wordt verwijderd.',
};

const ro: EffectTexts = {
  reconnects: 'Căsuța poștală se autentifică din nou; o rundă în curs este întreruptă și reluată.',
  'folders-enter':
    'La următoarea rundă se adaugă dosare. Mesajele lor de la punctul de pornire încolo sunt preluate, cele mai vechi primesc un rând în registru.',
  'folders-leave':
    'La următoarea rundă ies dosare. Mesajele noi din ele nu se preiau; ce s-a înregistrat se păstrează.',
  'refresh-time': 'Noul interval de actualizare este valabil de la sfârșitul rundei următoare.',
  'visibility-of-new-mail':
    'Mesajele înregistrate de acum primesc noua vizibilitate; cele înregistrate o păstrează pe a lor.',
  'attachments-of-new-mail':
    'Atașamentele mesajelor înregistrate de acum sunt tratate astfel; ce este stocat se păstrează.',
  'size-of-new-mail':
    'Noua limită de mărime este valabilă pentru mesajele preluate de acum; cele doar cu antet rămân așa.',
  'unmatched-new-mail-kept':
    'De acum mesajele de la adrese necunoscute se păstrează; ce a fost lăsat deoparte nu se mai preia.',
  'unmatched-new-mail-dropped':
    'De acum mesajele de la adrese necunoscute sunt lăsate deoparte; ce s-a înregistrat se păstrează.',
  'mail-matched-again':
    'Mesajele sunt asociate astfel, iar cele înregistrate din această căsuță sunt asociate din nou; ce au legat sau desprins oamenii rămâne.',
  'removals-mirrored':
    'Mesajele eliminate de pe server se elimină și aici după termenul de grație; foarte multe deodată așteaptă răspunsul dumneavoastră.',
  'removals-kept': 'Mesajele eliminate de pe server rămân aici de acum înainte.',
  'removal-grace':
    'Mesajele a căror eliminare de pe server se constată de acum așteaptă noul termen de grație, dacă eliminările se preiau; cele care așteaptă deja îl păstrează pe al lor.',
  'flags-followed': 'De la următoarea rundă marcajele urmează serverul.',
  'flags-ignored': 'Marcajele rămân cum sunt acum.',
  'new-mail-marked-seen': 'Mesajele înregistrate de acum sunt marcate ca citite pe server.',
  'new-mail-not-marked-seen': 'Mesajele nu mai sunt marcate ca citite pe server.',
  'activities-of-new-mail':
    'Mesajele înregistrate de acum devin activități de acest tip și cu această stare; cele fără utilizatorul sau subiectul cerut sunt lăsate deoparte. Ce s-a înregistrat rămâne cum este.',
  'no-activities-of-new-mail': 'Mesajele înregistrate de acum nu mai devin activități; activitățile existente rămân.',
  'activities-removed': 'Activitățile mesajelor eliminate de acum dispar odată cu ele; notele existente rămân.',
  'activities-noted': 'Activitățile mesajelor eliminate de acum rămân ca note fără conținut.',
  'stop-keeps': 'Cine oprește de acum căsuța poștală păstrează ce s-a înregistrat.',
  'stop-deletes': 'Cine oprește de acum căsuța poștală o șterge, cu tot ce a venit prin ea.',
  'deletion-undo': 'Contează abia când căsuța poștală este ștearsă.',
};

const texts: Readonly<Record<Language, EffectTexts>> = { en, de, nl, ro };

/** What a change will do, for a person. */
export function effectSentence(code: EffectCode, language: Language): string {
  return texts[language][code];
}
