import type { StateTexts, Words } from './words';

const passes = (sentence: string): Words => ({ sentence, remedy: null });
const askProvider = 'Întrebați administratorul serverului de e-mail, apoi POST .../sync.';

export const stateTextsRo: StateTexts = {
  states: {
    connecting: passes('Prima rundă nu s-a încheiat încă.'),
    live: passes('Mesajele noi sunt preluate pe măsură ce sosesc.'),
    'backing-off': passes('Ultima rundă a eșuat; se va încerca din nou automat.'),
    'auth-required': {
      sentence: 'Serverul a refuzat autentificarea.',
      remedy: 'Dați parola corectă cu PATCH /v1/mailboxes/{id}.',
    },
    'needs-attention': {
      sentence: 'Serverul refuză ceva la care trebuie să se uite o persoană.',
      remedy: 'Uitați-vă la lastError, remediați cauza, apoi POST .../sync.',
    },
    paused: { sentence: 'Căsuța poștală a fost pusă pe pauză.', remedy: 'POST .../resume o repornește.' },
    stopping: passes('Căsuța poștală este în curs de oprire.'),
    stopped: {
      sentence: 'Căsuța poștală a fost oprită; ce s-a înregistrat se păstrează.',
      remedy: 'POST .../start o repornește.',
    },
    deleting: passes('Căsuța poștală este în curs de ștergere.'),
  },
  reasons: {
    'host-not-found': {
      sentence: 'Nu există niciun server cu acest nume.',
      remedy: 'Verificați ortografia sau luați numele din pagina de ajutor IMAP a furnizorului.',
    },
    'port-closed': {
      sentence: 'Serverul nu acceptă conexiuni pe acest port.',
      remedy: 'Verificați portul: 993 pentru TLS, 143 pentru STARTTLS; și un firewall poate fi în cale.',
    },
    'timed-out': {
      sentence: 'Serverul nu a răspuns la timp.',
      remedy:
        'Verificați serverul și portul și dacă un firewall lasă această mașină să treacă; apoi încercați din nou.',
    },
    'not-an-imap-server': {
      sentence: 'La această adresă răspunde ceva care nu vorbește IMAP în acest fel.',
      remedy:
        'Verificați portul și securitatea: 993 cu TLS, 143 cu STARTTLS. Dacă ambele sunt corecte, poate că serverul refuză acest calculator: întrebați pe cel care îl administrează.',
    },
    'tls-required': {
      sentence: 'Serverul nu acceptă parola pe acest fel de conexiune.',
      remedy: 'Alegeți TLS (portul 993) sau STARTTLS (portul 143), unde furnizorul îl oferă.',
    },
    'tls-name-mismatch': {
      sentence: 'Certificatul serverului aparține altui nume.',
      remedy: 'Folosiți numele de server dat de furnizor, nu un alias și nu o adresă IP.',
    },
    'certificate-expired': {
      sentence: 'Certificatul serverului nu este valabil la această dată.',
      remedy: 'Administratorul serverului de e-mail trebuie să îl reînnoiască; verificați și ceasul acestei mașini.',
    },
    'certificate-not-trusted': {
      sentence: 'Certificatul serverului nu a fost emis de o autoritate cunoscută.',
      remedy:
        'Dați certificatul autorității dumneavoastră ca `ca` sau permiteți certificate nevalide, dacă acceptați că cineva pe drum ar putea citi.',
    },
    'login-refused': {
      sentence: 'Serverul a refuzat numele de utilizator sau parola.',
      remedy:
        'Verificați-le și dați-le pe cele corecte cu PATCH /v1/mailboxes/{id}; la verificarea în doi pași, majoritatea furnizorilor cer o parolă de aplicație.',
    },
    'imap-disabled': {
      sentence: 'IMAP este dezactivat pentru acest cont sau contul nu acceptă parole.',
      remedy: 'Activați IMAP în setările contului sau întrebați administratorul.',
    },
    'too-many-connections': {
      sentence: 'Serverul nu mai acceptă momentan conexiuni pentru acest cont.',
      remedy: 'Închideți alte programe de e-mail, așteptați câteva minute și încercați din nou.',
    },
    'host-not-allowed': {
      sentence: 'Acest server se află într-o rețea privată sau rezervată, la care conectarea nu este permisă.',
      remedy: 'Administratorul Letterbook poate permite rețeaua cu LETTERBOOK_ALLOWED_NETWORKS.',
    },
    aborted: passes('Runda a fost întreruptă, pentru că worker-ul a fost oprit.'),
    'command-not-understood': {
      sentence: 'Serverul nu înțelege o comandă.',
      remedy: 'Verificați dacă serverul și portul aparțin serverului de e-mail, apoi POST .../sync.',
    },
    'command-refused': { sentence: 'Serverul a refuzat o comandă fără să spună de ce.', remedy: askProvider },
    'connection-lost': passes('Conexiunea s-a întrerupt în mijlocul unei runde.'),
    'contact-admin': {
      sentence: 'Serverul cere contactarea administratorului său.',
      remedy: 'Întrebați administratorul serverului de e-mail, apoi POST .../sync.',
    },
    'disk-low': {
      sentence: 'Discul acestui server este aproape plin, de aceea nu se preia nimic.',
      remedy: 'Eliberați spațiu pe discul directorului de date.',
    },
    'empty-listing': {
      sentence: 'Serverul nu arată niciun dosar.',
      remedy: 'Verificați contul la furnizor, apoi POST .../sync.',
    },
    flooded: passes('Serverul a trimis mai mult decât s-a cerut și a fost deconectat.'),
    'folder-corrupt': {
      sentence: 'Serverul spune că un dosar este deteriorat.',
      remedy: 'Rugați administratorul serverului de e-mail să îl repare.',
    },
    'folder-gone': passes('Un dosar a dispărut în timpul rundei.'),
    'folder-not-open': passes('Un dosar a fost închis în mijlocul unei runde.'),
    'garbled-answer': passes('Serverul a răspuns ceva ce nu este IMAP.'),
    'in-use': passes('Serverul spune că această căsuță poștală este în uz.'),
    internal: {
      sentence: 'Ceva nu a mers în Letterbook însuși, nu la serverul de e-mail; se va încerca din nou de la sine.',
      remedy: 'Dacă persistă, anunțați administratorul Letterbook: jurnalul workerului spune mai multe.',
    },
    limit: passes('S-a atins o limită a serverului.'),
    'listing-not-proven': passes('Serverul nu a arătat un dosar în întregime.'),
    'no-permission': {
      sentence: 'Serverul nu lasă acest cont să citească un dosar.',
      remedy: 'Dați contului dreptul sau excludeți dosarul în politică.',
    },
    'no-uidvalidity': { sentence: 'Serverul nu numerotează mesajele unui dosar.', remedy: askProvider },
    'not-connected': {
      sentence: 'Serverul cunoaște contul, dar nu îl lasă momentan să intre.',
      remedy: 'Dacă persistă, verificați dacă acest cont are licență pentru IMAP și dacă este căsuța lui poștală.',
    },
    'not-delivered': passes('Serverul enumeră mesaje pe care nu le-a livrat.'),
    'nothing-delivered': passes('Serverul enumeră mesaje, dar nu livrează niciunul.'),
    'over-quota': {
      sentence: 'Căsuța poștală este plină.',
      remedy: 'Eliberați spațiu în căsuța poștală sau cereți furnizorului mai mult.',
    },
    'password-unreadable': {
      sentence: 'Letterbook nu poate citi parola păstrată: cheia lipsește sau este alta.',
      remedy:
        'Cine administrează Letterbook poate pune cheia la loc în LETTERBOOK_SECRET_KEYS; apoi totul continuă în cel mult o oră. Dacă s-a pierdut, dați din nou parola cu PATCH /v1/mailboxes/{id}.',
    },
    'read-only': {
      sentence: 'Serverul nu lasă acest cont să schimbe marcaje.',
      remedy: 'Dați contului dreptul sau dezactivați markSeen în politică.',
    },
    'search-refused': { sentence: 'Serverul refuză să enumere mesajele unui dosar.', remedy: askProvider },
    'store-refused': {
      sentence: 'Serverul refuză să marcheze mesaje ca citite.',
      remedy: 'Dați contului dreptul sau dezactivați markSeen în politică.',
    },
    'stream-cut': passes('Un mesaj mare s-a întrerupt la jumătate.'),
    throttled: passes('Serverul cere mai puține solicitări.'),
    'too-large': passes('Un răspuns al serverului a fost mai mare decât este permis.'),
    'too-many-folders': {
      sentence: 'Căsuța poștală are mai multe dosare decât sunt permise.',
      remedy: 'Selectați în politică dosarele care contează sau măriți LETTERBOOK_MAX_FOLDERS.',
    },
    'uidvalidity-changed': passes('Un dosar a fost creat din nou pe server.'),
    unavailable: passes('Serverul spune că nu este disponibil momentan.'),
  },
  unknownReason: 'Runda a eșuat: {code}.',
  answerRemovals:
    'De pe server au dispărut mesaje, foarte multe sau incerte. Vedeți GET .../removals, apoi spuneți cu POST .../removals/confirm sau .../removals/keep dacă au fost șterse intenționat.',
  notices: {
    'needs-password': {
      raised: 'Serverul refuză parola acestei căsuțe poștale. Până când există una corectă, nu intră niciun mesaj.',
      well: 'Parola este din nou acceptată; mesajele intră.',
      stopped:
        'Căsuța poștală a fost oprită înainte să existe o parolă corectă. Până la repornirea ei nu intră niciun mesaj.',
    },
    'no-success': {
      raised: 'De ore întregi nu s-a putut prelua niciun mesaj din această căsuță poștală. Se încearcă în continuare.',
      well: 'Din această căsuță poștală se preiau din nou mesaje.',
      stopped:
        'Căsuța poștală a fost oprită, iar înainte nu s-a putut prelua nimic din ea. Până la repornirea ei nu se mai încearcă.',
    },
    'not-complete': {
      raised: 'O parte din mesajele acestei căsuțe poștale lipsește de aici sau nu se poate dovedi că este aici.',
      well: 'Toate mesajele acestei căsuțe poștale sunt aici.',
      stopped:
        'Căsuța poștală a fost oprită înainte să fie dovedit că toate mesajele ei sunt aici. Ce lipsește nu se preia până la repornirea ei.',
    },
    'confirm-removal': {
      raised:
        'Mesaje ale acestei căsuțe poștale au dispărut de pe server, foarte multe deodată, sau în timp ce serverul nu spune nimic despre un alt mesaj, care poate fi unul dintre ele. Ele rămân aici până când cineva spune dacă au fost șterse intenționat.',
      well: 'În această căsuță poștală nicio ștergere nu mai așteaptă un răspuns.',
      stopped:
        'Căsuța poștală a fost oprită înainte ca cineva să spună dacă mesajele au fost șterse intenționat. Până la repornirea ei nu se elimină nimic din această cauză.',
    },
  },
};
