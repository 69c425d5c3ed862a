import type { ConnectTexts } from './words';

export const connectTextsDe: ConnectTexts = {
  checkLogin:
    'Prüfen Sie beide; bei Anmeldung in zwei Schritten verlangen die meisten Anbieter ein App-Passwort, das eigens dafür erzeugt wird.',
  found: {
    mx: 'Die Mail dieser Domain geht an die Server eines bekannten Anbieters, also ist dies wahrscheinlich ihr IMAP-Server.',
    srv: 'Das DNS dieser Domain nennt diesen IMAP-Server.',
    guess: 'Unter einem Namen, der für diese Domain üblich wäre, antwortet ein IMAP-Server.',
  },
  warnings: {
    'capped-listing':
      'Der Server zählt in einem Ordner mehr Nachrichten, als er zeigt. Was er nicht zeigt, kann nicht übernommen werden: Verschieben Sie beim Anbieter ältere Mail in eigene Ordner.',
    'message-limit':
      'Dieser Anbieter zeigt Programmen von einem großen Ordner nur einen Teil, deshalb lässt sich Vollständigkeit nicht beweisen. Halten Sie Ordner klein; Yahoo und AOL zeigen höchstens 10.000 Nachrichten von einem.',
    'no-sent-folder':
      'Der Server nennt keinen Ordner für gesendete Mail. Gesendete Antworten können in der Historie fehlen; sehen Sie nach, ob einer der Ordner es ist und ob er übernommen wird.',
    'sent-out-of-scope':
      'Der Ordner der gesendeten Mail wird nicht übernommen, also wird von jedem Gespräch die Hälfte fehlen.',
    'inbox-out-of-scope':
      'INBOX wird nicht übernommen, also wird neue Mail erst gesehen, wenn sie in einen Ordner verschoben wird, der es wird.',
    'nothing-in-scope': 'Kein Ordner ist ausgewählt, also würde nichts übernommen. Ändern Sie `policy.folders`.',
    'all-mail-hidden':
      'Gmail verbirgt „Alle Nachrichten“ vor dieser Verbindung, also ist archivierte Mail ohne Label nicht zu sehen. Setzen Sie in Gmail unter Einstellungen, Labels, bei „Alle Nachrichten“ den Haken „In IMAP anzeigen“.',
    'labels-overlap':
      'Gmail zeigt eine Nachricht unter jedem ihrer Labels einmal. Die Zahlen der Ordner überschneiden sich, es sind also weniger Nachrichten da als ihre Summe.',
    'quota-nearly-full':
      'Das Konto ist fast voll und wird bald Mail abweisen. Schaffen Sie Platz, oder fragen Sie den Anbieter nach mehr.',
    'too-many-folders':
      'Das Postfach hat mehr Ordner, als erlaubt sind. Wählen Sie in der Policy die aus, auf die es ankommt, oder erhöhen Sie LETTERBOOK_MAX_FOLDERS.',
    'count-unknown': 'Der Server sagt nicht, wie viele Nachrichten in einem der ausgewählten Ordner sind.',
    'not-all-looked-into':
      'Nicht in jeden der ausgewählten Ordner wurde hineingesehen: Die Zeit war um, es sind zu viele, oder der Server hat es verweigert. Was übernommen würde, ist geschätzt.',
  },
};
