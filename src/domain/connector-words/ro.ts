import type { ConnectorTexts } from './words';

export const connectorTextsRo: ConnectorTexts = {
  errors: {
    'host-not-found': 'Nu există niciun server cu acest nume. Verificați gazda din `settings.baseUrl`.',
    'host-not-allowed':
      'Această gazdă este, sau duce la, o adresă dintr-o rețea privată sau rezervată, la care nu este permisă conectarea. Cine administrează Letterbook poate permite rețeaua cu LETTERBOOK_ALLOWED_NETWORKS.',
    'tls-needed':
      'Tokenul ar trece necriptat prin rețeaua deschisă. Dați un `settings.baseUrl` care începe cu https://.',
    'connection-failed':
      'Conexiunea la CRM nu a putut fi făcută sau s-a întrerupt. Se încearcă din nou; verificați gazda și portul dacă situația persistă.',
    'certificate-not-trusted':
      'Certificatul CRM-ului nu este valabil: a expirat, aparține altui nume sau vine de la o autoritate necunoscută.',
    'timed-out': 'CRM-ul nu a răspuns la timp. Se încearcă din nou.',
    'server-error': 'CRM-ul are momentan o eroare proprie. Se încearcă din nou.',
    'too-many-requests': 'CRM-ul cere să fie lăsat în pace o vreme. Este întrebat din nou după aceea.',
    'token-refused': 'CRM-ul a refuzat tokenul. Creați acolo unul nou și dați-l ca `secrets.token`.',
    redirected: 'CRM-ul ne trimite la altă adresă, care nu este urmată. Dați acea adresă ca `settings.baseUrl`.',
    'request-refused': 'CRM-ul nu cunoaște ce i s-a cerut. Verificați căile din `settings`.',
    'answer-too-large': 'Răspunsul CRM-ului este prea mare. Setați un `settings.pull.pageSize` mai mic.',
    'answer-not-json':
      'CRM-ul nu a răspuns în JSON. Verificați căile din `settings`: aceasta poate fi o pagină pentru oameni.',
    'answer-unexpected': 'În răspunsul CRM-ului nu este nicio listă acolo unde `settings` spune că este una.',
    'secret-unreadable':
      'Ce este secret la acest conector nu poate fi deschis. Dați din nou `secrets` sau puneți cheia înapoi în LETTERBOOK_SECRET_KEYS.',
    'settings-unreadable': 'Setările sunt de altă versiune. Scrieți-le din nou.',
  },
  otherwise: 'CRM-ul nu a putut fi întrebat.',
  paused: 'Oprit de o persoană.',
  first: 'Se aduc toate înregistrările pentru prima dată.',
  inStep: 'La zi cu CRM-ul.',
  read: 'CRM-ul răspunde: au fost citite {count} înregistrări și modificări.',
  unread:
    'CRM-ul răspunde: au fost citite {count} înregistrări și modificări; {unreadable} nu pot fi citite cu această mapare.',
};
