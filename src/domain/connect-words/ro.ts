import type { ConnectTexts } from './words';

export const connectTextsRo: ConnectTexts = {
  checkLogin:
    'Verificați-le pe amândouă; la verificarea în doi pași, majoritatea furnizorilor cer o parolă de aplicație creată anume pentru aceasta.',
  found: {
    mx: 'Corespondența acestui domeniu merge la serverele unui furnizor cunoscut, deci acesta este probabil serverul lui IMAP.',
    srv: 'DNS-ul acestui domeniu indică acest server IMAP.',
    guess: 'Sub un nume obișnuit pentru acest domeniu răspunde un server IMAP.',
  },
  warnings: {
    'capped-listing':
      'Serverul numără într-un dosar mai multe mesaje decât arată. Ce nu arată nu poate fi importat: la furnizor, mutați mesajele mai vechi în dosare proprii.',
    'message-limit':
      'Acest furnizor arată programelor doar o parte dintr-un dosar mare, deci completitudinea nu poate fi dovedită. Păstrați dosarele mici; Yahoo și AOL arată cel mult 10.000 de mesaje dintr-unul.',
    'no-sent-folder':
      'Serverul nu indică niciun dosar pentru mesajele trimise. Răspunsurile trimise pot lipsi din istoric; vedeți dacă unul dintre dosare este acela și dacă este inclus.',
    'sent-out-of-scope': 'Dosarul mesajelor trimise nu este inclus, deci din fiecare conversație va lipsi jumătate.',
    'inbox-out-of-scope':
      'INBOX nu este inclus, deci mesajele noi nu vor fi văzute până când nu sunt mutate într-un dosar inclus.',
    'nothing-in-scope': 'Niciun dosar nu este inclus, deci nu s-ar importa nimic. Modificați `policy.folders`.',
    'all-mail-hidden':
      'Gmail ascunde „Toate mesajele” de această conexiune, deci mesajele arhivate fără etichetă nu pot fi văzute. În Gmail, Setări, Etichete, bifați „Afișează în IMAP” pentru Toate mesajele.',
    'labels-overlap':
      'Gmail arată un mesaj câte o dată sub fiecare dintre etichetele lui. Numerele dosarelor se suprapun, deci sunt mai puține mesaje decât suma lor.',
    'quota-nearly-full':
      'Contul este aproape plin și va refuza în curând mesaje. Eliberați spațiu sau cereți furnizorului mai mult.',
    'too-many-folders':
      'Cutia poștală are mai multe dosare decât este permis. Alegeți în politică dosarele care contează sau măriți LETTERBOOK_MAX_FOLDERS.',
    'count-unknown': 'Serverul nu spune câte mesaje sunt într-un dosar inclus.',
    'not-all-looked-into':
      'Nu s-a privit în fiecare dosar inclus: timpul s-a terminat, sunt prea multe sau serverul a refuzat. Ce s-ar importa este estimat.',
  },
};
