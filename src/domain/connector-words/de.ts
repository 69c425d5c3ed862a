import type { ConnectorTexts } from './words';

export const connectorTextsDe: ConnectorTexts = {
  errors: {
    'host-not-found': 'Einen Server dieses Namens gibt es nicht. Prüfen Sie den Host in `settings.baseUrl`.',
    'host-not-allowed':
      'Dieser Host ist eine Adresse in einem privaten oder reservierten Netz, oder führt dorthin; damit darf nicht verbunden werden. Wer Letterbook betreibt, kann das Netz mit LETTERBOOK_ALLOWED_NETWORKS erlauben.',
    'tls-needed':
      'Das Token ginge unverschlüsselt über das offene Netz. Geben Sie eine `settings.baseUrl` an, die mit https:// beginnt.',
    'connection-failed':
      'Zum CRM kam keine Verbindung zustande, oder sie brach ab. Es wird wieder versucht; prüfen Sie Host und Port, wenn das so bleibt.',
    'certificate-not-trusted':
      'Das Zertifikat des CRM gilt nicht: Es ist abgelaufen, gehört zu einem anderen Namen oder kommt von einer unbekannten Stelle.',
    'timed-out': 'Das CRM hat nicht rechtzeitig geantwortet. Es wird wieder versucht.',
    'server-error': 'Das CRM hat im Moment selbst einen Fehler. Es wird wieder versucht.',
    'too-many-requests': 'Das CRM bittet, eine Weile in Ruhe gelassen zu werden. Danach wird es wieder gefragt.',
    'token-refused':
      'Das CRM hat das Token abgelehnt. Erzeugen Sie dort ein neues, und geben Sie es als `secrets.token` an.',
    redirected:
      'Das CRM schickt uns an eine andere Adresse; dem wird nicht gefolgt. Geben Sie diese Adresse als `settings.baseUrl` an.',
    'request-refused': 'Das CRM kennt nicht, wonach es gefragt wurde. Prüfen Sie die Pfade in `settings`.',
    'answer-too-large': 'Die Antwort des CRM ist zu groß. Setzen Sie `settings.pull.pageSize` kleiner.',
    'answer-not-json':
      'Das CRM hat nicht in JSON geantwortet. Prüfen Sie die Pfade in `settings`: Dies ist vielleicht eine Seite für Menschen.',
    'answer-unexpected': 'In der Antwort des CRM ist keine Liste, wo `settings` eine nennt.',
    'secret-unreadable':
      'Was von diesem Connector geheim ist, lässt sich nicht öffnen. Geben Sie `secrets` noch einmal an, oder nehmen Sie den Schlüssel wieder in LETTERBOOK_SECRET_KEYS auf.',
    'settings-unreadable': 'Die Einstellungen sind von einer anderen Version. Schreiben Sie sie neu.',
  },
  otherwise: 'Das CRM konnte nicht gefragt werden.',
  paused: 'Von einem Menschen angehalten.',
  first: 'Holt zum ersten Mal alle Datensätze.',
  inStep: 'Auf dem Stand des CRM.',
  read: 'Das CRM antwortet: {count} Datensätze und Änderungen wurden gelesen.',
  unread:
    'Das CRM antwortet: {count} Datensätze und Änderungen wurden gelesen; {unreadable} sind mit der Zuordnung nicht lesbar.',
};
