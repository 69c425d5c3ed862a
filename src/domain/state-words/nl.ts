import type { StateTexts, Words } from './words';

const passes = (sentence: string): Words => ({ sentence, remedy: null });
const askProvider = 'Vraag het de beheerder van de mailserver, daarna POST .../sync.';

export const stateTextsNl: StateTexts = {
  states: {
    connecting: passes('De eerste ronde is nog niet klaar.'),
    live: passes('Nieuwe mail wordt gevolgd.'),
    'backing-off': passes('De laatste ronde is mislukt; er volgt vanzelf een nieuwe poging.'),
    'auth-required': {
      sentence: 'De server heeft de aanmelding geweigerd.',
      remedy: 'Geef het juiste wachtwoord op met PATCH /v1/mailboxes/{id}.',
    },
    'needs-attention': {
      sentence: 'De server weigert iets waar iemand naar moet kijken.',
      remedy: 'Kijk in lastError, los het op, daarna POST .../sync.',
    },
    paused: { sentence: 'Het postvak is gepauzeerd.', remedy: 'Met POST .../resume gaat het verder.' },
    stopping: passes('Het postvak wordt gestopt.'),
    stopped: {
      sentence: 'Het postvak is gestopt; wat is vastgelegd, blijft bewaard.',
      remedy: 'Met POST .../start gaat het verder.',
    },
    deleting: passes('Het postvak wordt verwijderd.'),
  },
  reasons: {
    'host-not-found': {
      sentence: 'Er is geen server met deze naam.',
      remedy: 'Controleer de spelling, of neem de naam over van de IMAP-hulppagina van de aanbieder.',
    },
    'port-closed': {
      sentence: 'De server neemt op deze poort geen verbindingen aan.',
      remedy: 'Controleer de poort: 993 voor TLS, 143 voor STARTTLS; ook een firewall kan in de weg zitten.',
    },
    'timed-out': {
      sentence: 'De server heeft niet op tijd geantwoord.',
      remedy: 'Controleer server en poort, en of een firewall deze machine doorlaat; probeer het dan opnieuw.',
    },
    'not-an-imap-server': {
      sentence: 'Op dit adres antwoordt iets dat op deze manier geen IMAP spreekt.',
      remedy:
        'Controleer poort en beveiliging: 993 met TLS, 143 met STARTTLS. Kloppen beide, dan weigert de server misschien deze machine: vraag het wie hem beheert.',
    },
    'tls-required': {
      sentence: 'De server neemt over dit soort verbinding geen wachtwoord aan.',
      remedy: 'Kies TLS (poort 993), of STARTTLS (poort 143) waar de aanbieder dat heeft.',
    },
    'tls-name-mismatch': {
      sentence: 'Het certificaat van de server hoort bij een andere naam.',
      remedy: 'Gebruik de servernaam die de aanbieder opgeeft, geen alias en geen IP-adres.',
    },
    'certificate-expired': {
      sentence: 'Het certificaat van de server is op deze datum niet geldig.',
      remedy: 'De beheerder van de mailserver moet het vernieuwen; controleer ook de klok van deze machine.',
    },
    'certificate-not-trusted': {
      sentence: 'Het certificaat van de server is niet door een bekende instantie uitgegeven.',
      remedy:
        'Geef het certificaat van uw eigen instantie op als `ca`, of sta ongeldige certificaten toe als u aanvaardt dat onderweg iemand kan meelezen.',
    },
    'login-refused': {
      sentence: 'De server heeft gebruikersnaam of wachtwoord geweigerd.',
      remedy:
        'Controleer beide, en geef de juiste op met PATCH /v1/mailboxes/{id}; bij verificatie in twee stappen willen de meeste aanbieders een app-wachtwoord.',
    },
    'imap-disabled': {
      sentence: 'IMAP staat uit voor dit account, of het neemt geen wachtwoorden aan.',
      remedy: 'Zet IMAP aan in de instellingen van het account, of vraag het de beheerder.',
    },
    'too-many-connections': {
      sentence: 'De server neemt voor dit account op dit moment geen verbindingen meer aan.',
      remedy: 'Sluit andere mailprogramma’s, wacht enkele minuten en probeer het opnieuw.',
    },
    'host-not-allowed': {
      sentence: 'Deze server ligt in een privé- of gereserveerd netwerk waarmee geen verbinding mag worden gemaakt.',
      remedy: 'De beheerder van Letterbook kan het netwerk toestaan met LETTERBOOK_ALLOWED_NETWORKS.',
    },
    aborted: passes('De ronde is afgebroken omdat de worker werd gestopt.'),
    'command-not-understood': {
      sentence: 'De server begrijpt een opdracht niet.',
      remedy: 'Controleer of server en poort bij de mailserver horen, daarna POST .../sync.',
    },
    'command-refused': {
      sentence: 'De server heeft een opdracht geweigerd zonder te zeggen waarom.',
      remedy: askProvider,
    },
    'connection-lost': passes('De verbinding is midden in een ronde verbroken.'),
    'contact-admin': {
      sentence: 'De server vraagt om contact op te nemen met de beheerder.',
      remedy: 'Vraag het de beheerder van de mailserver, daarna POST .../sync.',
    },
    'disk-low': {
      sentence: 'De schijf van deze server is bijna vol, daarom wordt er niets opgehaald.',
      remedy: 'Maak ruimte op de schijf van de gegevensmap.',
    },
    'empty-listing': {
      sentence: 'De server toont helemaal geen mappen.',
      remedy: 'Controleer het account bij de aanbieder, daarna POST .../sync.',
    },
    flooded: passes('De server stuurde meer dan gevraagd en is verbroken.'),
    'folder-corrupt': {
      sentence: 'De server meldt dat een map beschadigd is.',
      remedy: 'Vraag de beheerder van de mailserver om die te herstellen.',
    },
    'folder-gone': passes('Een map is tijdens de ronde verdwenen.'),
    'folder-not-open': passes('Een map is midden in een ronde gesloten.'),
    'garbled-answer': passes('De server antwoordde iets dat geen IMAP is.'),
    'in-use': passes('De server meldt dat het postvak in gebruik is.'),
    internal: {
      sentence: 'Er ging iets mis in Letterbook zelf, niet bij de mailserver; het wordt vanzelf opnieuw geprobeerd.',
      remedy: 'Houdt het aan, meld het dan aan wie Letterbook beheert: in het log van de worker staat meer.',
    },
    limit: passes('Een grens van de server is bereikt.'),
    'listing-not-proven': passes('De server heeft een map niet volledig getoond.'),
    'no-permission': {
      sentence: 'De server laat dit account een map niet lezen.',
      remedy: 'Geef het account het recht, of sluit de map uit in de policy.',
    },
    'no-uidvalidity': { sentence: 'De server nummert de mail van een map niet.', remedy: askProvider },
    'not-connected': {
      sentence: 'De server kent het account, maar laat het op dit moment niet binnen.',
      remedy: 'Blijft het zo, controleer dan of het account een licentie voor IMAP heeft en het postvak zijn eigen is.',
    },
    'not-delivered': passes('De server noemt berichten die hij niet heeft geleverd.'),
    'nothing-delivered': passes('De server noemt berichten, maar levert er geen enkele.'),
    'over-quota': {
      sentence: 'Het postvak is vol.',
      remedy: 'Maak ruimte in het postvak, of vraag de aanbieder om meer.',
    },
    'password-unreadable': {
      sentence: 'Letterbook kan het bewaarde wachtwoord niet lezen: de sleutel ontbreekt, of is een andere.',
      remedy:
        'Wie Letterbook beheert, kan de sleutel weer in LETTERBOOK_SECRET_KEYS zetten; daarna gaat het binnen een uur verder. Is hij verloren, geef het wachtwoord dan opnieuw op met PATCH /v1/mailboxes/{id}.',
    },
    'read-only': {
      sentence: 'De server laat dit account geen markeringen wijzigen.',
      remedy: 'Geef het account het recht, of zet markSeen uit in de policy.',
    },
    'search-refused': { sentence: 'De server weigert de mail van een map op te sommen.', remedy: askProvider },
    'store-refused': {
      sentence: 'De server weigert mail als gelezen te markeren.',
      remedy: 'Geef het account het recht, of zet markSeen uit in de policy.',
    },
    'stream-cut': passes('Een groot bericht is halverwege afgebroken.'),
    throttled: passes('De server vraagt om minder verzoeken.'),
    'too-large': passes('Een antwoord van de server was groter dan toegestaan.'),
    'too-many-folders': {
      sentence: 'Het postvak heeft meer mappen dan toegestaan.',
      remedy: 'Kies in de policy de mappen die ertoe doen, of verhoog LETTERBOOK_MAX_FOLDERS.',
    },
    'uidvalidity-changed': passes('Een map is op de server opnieuw aangemaakt.'),
    unavailable: passes('De server meldt dat hij op dit moment niet beschikbaar is.'),
  },
  unknownReason: 'De ronde is mislukt: {code}.',
  answerRemovals:
    'Op de server zijn berichten verdwenen, heel veel of onzekere. Bekijk GET .../removals en zeg dan met POST .../removals/confirm of .../removals/keep of ze met opzet zijn verwijderd.',
  notices: {
    'needs-password': {
      raised: 'De server weigert het wachtwoord van dit postvak. Tot er een juist is, komt er geen mail binnen.',
      well: 'Het wachtwoord wordt weer aanvaard; er komt mail binnen.',
      stopped:
        'Het postvak is gestopt voordat er een juist wachtwoord was. Tot het weer wordt gestart, komt er geen mail binnen.',
    },
    'no-success': {
      raised: 'Al uren kon uit dit postvak geen mail worden opgehaald. Er wordt steeds opnieuw geprobeerd.',
      well: 'Uit dit postvak wordt weer mail opgehaald.',
      stopped:
        'Het postvak is gestopt, en daarvoor kon er niets uit worden opgehaald. Tot het weer wordt gestart, wordt het niet meer geprobeerd.',
    },
    'not-complete': {
      raised: 'Een deel van de mail van dit postvak ontbreekt hier, of het is niet te bewijzen dat die er is.',
      well: 'Alle mail van dit postvak is hier.',
      stopped:
        'Het postvak is gestopt voordat bewezen was dat al zijn mail hier is. Wat ontbreekt, wordt niet opgehaald tot het weer wordt gestart.',
    },
    'confirm-removal': {
      raised:
        'Berichten van dit postvak zijn op de server verdwenen, heel veel in één keer, of terwijl de server niets zegt over een ander bericht dat een daarvan kan zijn. Ze blijven hier tot iemand zegt of ze met opzet zijn verwijderd.',
      well: 'In dit postvak wacht geen verwijdering meer op een antwoord.',
      stopped:
        'Het postvak is gestopt voordat iemand heeft gezegd of berichten met opzet zijn verwijderd. Daarom wordt hier niets verwijderd tot het weer wordt gestart.',
    },
  },
};
