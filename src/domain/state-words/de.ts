import type { StateTexts, Words } from './words';

const passes = (sentence: string): Words => ({ sentence, remedy: null });
const askProvider = 'Fragen Sie den Betreiber des Mailservers, dann POST .../sync.';

export const stateTextsDe: StateTexts = {
  states: {
    connecting: passes('Der erste Durchgang ist noch nicht zu Ende.'),
    live: passes('Neue Mail wird laufend übernommen.'),
    'backing-off': passes('Der letzte Durchgang ist gescheitert; er wird von selbst wiederholt.'),
    'auth-required': {
      sentence: 'Der Server hat die Anmeldung abgelehnt.',
      remedy: 'Geben Sie das richtige Passwort mit PATCH /v1/mailboxes/{id} an.',
    },
    'needs-attention': {
      sentence: 'Der Server verweigert etwas, das sich jemand ansehen muss.',
      remedy: 'Sehen Sie in lastError nach, beheben Sie die Ursache, dann POST .../sync.',
    },
    paused: { sentence: 'Das Postfach wurde angehalten.', remedy: 'Mit POST .../resume geht es weiter.' },
    stopping: passes('Das Postfach wird gerade beendet.'),
    stopped: {
      sentence: 'Das Postfach wurde beendet; was erfasst ist, bleibt erhalten.',
      remedy: 'Mit POST .../start geht es weiter.',
    },
    deleting: passes('Das Postfach wird gerade gelöscht.'),
  },
  reasons: {
    'host-not-found': {
      sentence: 'Es gibt keinen Server mit diesem Namen.',
      remedy: 'Prüfen Sie die Schreibweise, oder nehmen Sie den Namen aus den IMAP-Hilfeseiten des Anbieters.',
    },
    'port-closed': {
      sentence: 'Der Server nimmt auf diesem Port keine Verbindungen an.',
      remedy: 'Prüfen Sie den Port: 993 für TLS, 143 für STARTTLS; auch eine Firewall kann im Weg sein.',
    },
    'timed-out': {
      sentence: 'Der Server hat nicht rechtzeitig geantwortet.',
      remedy: 'Prüfen Sie Server und Port, und ob eine Firewall diesen Rechner durchlässt; dann noch einmal.',
    },
    'not-an-imap-server': {
      sentence: 'Unter dieser Adresse antwortet etwas, das so kein IMAP spricht.',
      remedy:
        'Prüfen Sie Port und Sicherheit: 993 mit TLS, 143 mit STARTTLS. Stimmen beide, weist der Server vielleicht diesen Rechner ab: Fragen Sie seinen Betreiber.',
    },
    'tls-required': {
      sentence: 'Der Server nimmt über diese Art von Verbindung kein Passwort an.',
      remedy: 'Wählen Sie TLS (Port 993) oder, wo der Anbieter es hat, STARTTLS (Port 143).',
    },
    'tls-name-mismatch': {
      sentence: 'Das Zertifikat des Servers gehört zu einem anderen Namen.',
      remedy: 'Nehmen Sie den Servernamen, den der Anbieter nennt, keinen Alias und keine IP-Adresse.',
    },
    'certificate-expired': {
      sentence: 'Das Zertifikat des Servers ist zu diesem Datum nicht gültig.',
      remedy: 'Der Betreiber des Mailservers muss es erneuern; prüfen Sie auch die Uhr dieses Rechners.',
    },
    'certificate-not-trusted': {
      sentence: 'Das Zertifikat des Servers stammt von keiner bekannten Stelle.',
      remedy:
        'Geben Sie das Zertifikat Ihrer eigenen Stelle als `ca` an, oder lassen Sie ungültige Zertifikate zu, wenn Sie hinnehmen, dass unterwegs jemand mitlesen könnte.',
    },
    'login-refused': {
      sentence: 'Der Server hat Benutzernamen oder Passwort abgelehnt.',
      remedy:
        'Prüfen Sie beide, und geben Sie die richtigen mit PATCH /v1/mailboxes/{id} an; bei Anmeldung in zwei Schritten verlangen die meisten Anbieter ein App-Passwort.',
    },
    'imap-disabled': {
      sentence: 'IMAP ist für dieses Konto ausgeschaltet, oder es nimmt keine Passwörter an.',
      remedy: 'Schalten Sie IMAP in den Einstellungen des Kontos ein, oder fragen Sie den Administrator.',
    },
    'too-many-connections': {
      sentence: 'Der Server nimmt für dieses Konto im Moment keine weiteren Verbindungen an.',
      remedy: 'Schließen Sie andere Mailprogramme, warten Sie einige Minuten und versuchen Sie es noch einmal.',
    },
    'host-not-allowed': {
      sentence: 'Dieser Server liegt in einem privaten oder reservierten Netz, zu dem keine Verbindung erlaubt ist.',
      remedy: 'Der Betreiber von Letterbook kann das Netz mit LETTERBOOK_ALLOWED_NETWORKS erlauben.',
    },
    aborted: passes('Der Durchgang wurde abgebrochen, weil der Worker beendet wurde.'),
    'command-not-understood': {
      sentence: 'Der Server versteht einen Befehl nicht.',
      remedy: 'Prüfen Sie, ob Server und Port zum Mailserver gehören, dann POST .../sync.',
    },
    'command-refused': {
      sentence: 'Der Server hat einen Befehl abgelehnt, ohne zu sagen, warum.',
      remedy: askProvider,
    },
    'connection-lost': passes('Die Verbindung ist mitten im Durchgang abgerissen.'),
    'contact-admin': {
      sentence: 'Der Server bittet, sich an den Administrator zu wenden.',
      remedy: 'Fragen Sie den Administrator des Mailservers, dann POST .../sync.',
    },
    'disk-low': {
      sentence: 'Der Datenträger dieses Servers ist fast voll, deshalb wird nichts abgeholt.',
      remedy: 'Schaffen Sie Platz auf dem Datenträger des Datenverzeichnisses.',
    },
    'empty-listing': {
      sentence: 'Der Server zeigt überhaupt keine Ordner.',
      remedy: 'Prüfen Sie das Konto beim Anbieter, dann POST .../sync.',
    },
    flooded: passes('Der Server hat mehr geschickt, als verlangt war, und wurde getrennt.'),
    'folder-corrupt': {
      sentence: 'Der Server meldet einen beschädigten Ordner.',
      remedy: 'Bitten Sie den Administrator des Mailservers, ihn zu reparieren.',
    },
    'folder-gone': passes('Ein Ordner ist während des Durchgangs verschwunden.'),
    'folder-not-open': passes('Ein Ordner wurde mitten im Durchgang geschlossen.'),
    'garbled-answer': passes('Der Server hat etwas geantwortet, das kein IMAP ist.'),
    'in-use': passes('Der Server meldet, dass das Postfach in Benutzung ist.'),
    internal: {
      sentence:
        'In Letterbook selbst ist etwas schiefgegangen, nicht beim Mailserver; es wird von selbst wieder versucht.',
      remedy: 'Hält es an, sagen Sie dem Betreiber von Letterbook Bescheid: Im Log des Workers steht mehr.',
    },
    limit: passes('Eine Grenze des Servers ist erreicht.'),
    'listing-not-proven': passes('Der Server hat einen Ordner nicht vollständig gezeigt.'),
    'no-permission': {
      sentence: 'Der Server lässt dieses Konto einen Ordner nicht lesen.',
      remedy: 'Geben Sie dem Konto das Recht, oder schließen Sie den Ordner in der Policy aus.',
    },
    'no-uidvalidity': { sentence: 'Der Server nummeriert die Mail eines Ordners nicht.', remedy: askProvider },
    'not-connected': {
      sentence: 'Der Server kennt das Konto, lässt es im Moment aber nicht herein.',
      remedy: 'Hält es an, prüfen Sie, ob das Konto eine Lizenz für IMAP hat und das Postfach sein eigenes ist.',
    },
    'not-delivered': passes('Der Server führt Nachrichten auf, die er nicht geliefert hat.'),
    'nothing-delivered': passes('Der Server führt Nachrichten auf, liefert aber keine davon.'),
    'over-quota': {
      sentence: 'Das Postfach ist voll.',
      remedy: 'Schaffen Sie Platz im Postfach, oder bitten Sie den Anbieter um mehr.',
    },
    'password-unreadable': {
      sentence: 'Letterbook kann das gespeicherte Passwort nicht lesen: Der Schlüssel fehlt oder ist ein anderer.',
      remedy:
        'Wer Letterbook betreibt, kann den Schlüssel wieder in LETTERBOOK_SECRET_KEYS eintragen; danach geht es innerhalb einer Stunde weiter. Ist er verloren, geben Sie das Passwort mit PATCH /v1/mailboxes/{id} neu an.',
    },
    'read-only': {
      sentence: 'Der Server lässt dieses Konto keine Markierungen ändern.',
      remedy: 'Geben Sie dem Konto das Recht, oder schalten Sie markSeen in der Policy aus.',
    },
    'search-refused': { sentence: 'Der Server verweigert die Liste der Mail eines Ordners.', remedy: askProvider },
    'store-refused': {
      sentence: 'Der Server weigert sich, Mail als gelesen zu markieren.',
      remedy: 'Geben Sie dem Konto das Recht, oder schalten Sie markSeen in der Policy aus.',
    },
    'stream-cut': passes('Eine große Nachricht ist in der Mitte abgebrochen.'),
    throttled: passes('Der Server verlangt weniger Anfragen.'),
    'too-large': passes('Eine Antwort des Servers war größer als erlaubt.'),
    'too-many-folders': {
      sentence: 'Das Postfach hat mehr Ordner als erlaubt.',
      remedy: 'Wählen Sie in der Policy die wichtigen Ordner aus, oder erhöhen Sie LETTERBOOK_MAX_FOLDERS.',
    },
    'uidvalidity-changed': passes('Ein Ordner wurde auf dem Server neu angelegt.'),
    unavailable: passes('Der Server meldet, dass er im Moment nicht verfügbar ist.'),
  },
  unknownReason: 'Der Durchgang ist gescheitert: {code}.',
  answerRemovals:
    'Auf dem Server sind Nachrichten verschwunden, sehr viele oder ungewisse. Sehen Sie GET .../removals an, dann sagen Sie mit POST .../removals/confirm oder .../removals/keep, ob sie mit Absicht entfernt wurden.',
  notices: {
    'needs-password': {
      raised: 'Der Server lehnt das Passwort dieses Postfachs ab. Bis ein richtiges da ist, kommt keine Mail herein.',
      well: 'Das Passwort wird wieder angenommen; Mail kommt herein.',
      stopped:
        'Das Postfach wurde beendet, bevor ein richtiges Passwort da war. Bis es wieder gestartet wird, kommt keine Mail herein.',
    },
    'no-success': {
      raised: 'Seit Stunden konnte aus diesem Postfach keine Mail geholt werden. Es wird laufend weiter versucht.',
      well: 'Aus diesem Postfach wird wieder Mail geholt.',
      stopped:
        'Das Postfach wurde beendet, und zuvor konnte daraus nichts geholt werden. Bis es wieder gestartet wird, wird es nicht mehr versucht.',
    },
    'not-complete': {
      raised: 'Ein Teil der Mail dieses Postfachs fehlt hier, oder es ist nicht beweisbar, dass sie da ist.',
      well: 'Alle Mail dieses Postfachs ist hier.',
      stopped:
        'Das Postfach wurde beendet, bevor bewiesen war, dass alle seine Mail hier ist. Was fehlt, wird nicht geholt, bis es wieder gestartet wird.',
    },
    'confirm-removal': {
      raised:
        'Nachrichten dieses Postfachs sind auf dem Server verschwunden, sehr viele auf einmal, oder während der Server über eine andere Nachricht, die eine von ihnen sein kann, nichts sagt. Sie bleiben hier, bis jemand sagt, ob sie mit Absicht gelöscht wurden.',
      well: 'In diesem Postfach wartet keine Löschung mehr auf eine Antwort.',
      stopped:
        'Das Postfach wurde beendet, bevor jemand gesagt hat, ob Nachrichten mit Absicht gelöscht wurden. Deswegen wird nichts entfernt, bis es wieder gestartet wird.',
    },
  },
};
