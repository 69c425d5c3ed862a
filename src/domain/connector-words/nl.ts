import type { ConnectorTexts } from './words';

export const connectorTextsNl: ConnectorTexts = {
  errors: {
    'host-not-found': 'Er is geen server met deze naam. Controleer de host in `settings.baseUrl`.',
    'host-not-allowed':
      'Deze host is, of leidt naar, een adres in een privé- of gereserveerd netwerk, waarmee geen verbinding mag worden gemaakt. Wie Letterbook beheert, kan het netwerk toestaan met LETTERBOOK_ALLOWED_NETWORKS.',
    'tls-needed':
      'Het token zou onversleuteld over het open netwerk gaan. Geef een `settings.baseUrl` die met https:// begint.',
    'connection-failed':
      'Er kwam geen verbinding met het CRM tot stand, of ze werd verbroken. Het wordt opnieuw geprobeerd; controleer host en poort als dit zo blijft.',
    'certificate-not-trusted':
      'Het certificaat van het CRM is niet geldig: het is verlopen, hoort bij een andere naam of komt van een onbekende instantie.',
    'timed-out': 'Het CRM antwoordde niet op tijd. Het wordt opnieuw geprobeerd.',
    'server-error': 'Het CRM heeft op dit moment zelf een fout. Het wordt opnieuw geprobeerd.',
    'too-many-requests': 'Het CRM vraagt om een tijdje met rust te worden gelaten. Daarna wordt het opnieuw gevraagd.',
    'token-refused': 'Het CRM weigerde het token. Maak daar een nieuw aan, en geef het als `secrets.token`.',
    redirected:
      'Het CRM stuurt ons naar een ander adres, dat niet wordt gevolgd. Geef dat adres als `settings.baseUrl`.',
    'request-refused': 'Het CRM kent niet wat er gevraagd werd. Controleer de paden in `settings`.',
    'answer-too-large': 'Het antwoord van het CRM is te groot. Stel een kleinere `settings.pull.pageSize` in.',
    'answer-not-json':
      'Het CRM antwoordde niet in JSON. Controleer de paden in `settings`: dit is misschien een pagina voor mensen.',
    'answer-unexpected': 'In het antwoord van het CRM staat geen lijst waar `settings` er een noemt.',
    'secret-unreadable':
      'Wat van deze connector geheim is, kan niet worden geopend. Geef `secrets` opnieuw, of zet de sleutel terug in LETTERBOOK_SECRET_KEYS.',
    'settings-unreadable': 'De instellingen zijn van een andere versie. Schrijf ze opnieuw.',
  },
  otherwise: 'Het CRM kon niet worden gevraagd.',
  paused: 'Door iemand stilgezet.',
  first: 'Haalt voor het eerst alle records op.',
  inStep: 'Gelijk met het CRM.',
  read: 'Het CRM antwoordt: {count} records en wijzigingen werden gelezen.',
  unread:
    'Het CRM antwoordt: {count} records en wijzigingen werden gelezen; {unreadable} zijn met de toewijzing niet leesbaar.',
};
