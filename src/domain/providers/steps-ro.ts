import type { StepTexts } from './step-codes';

export const stepsRo: StepTexts = {
  'google-two-step':
    'Activați verificarea în doi pași pentru contul Google: myaccount.google.com, Securitate, Verificarea în doi pași. Fără ea, Google nu emite parole pentru aplicații.',
  'google-app-password':
    'Creați o parolă pentru aplicații la myaccount.google.com/apppasswords și introduceți cele 16 litere ale ei ca parolă. Parola obișnuită a contului nu este acceptată.',
  'gmail-show-everything':
    'În Gmail deschideți Setări, Afișați toate setările. La Etichete bifați „Afișați în IMAP” pentru Toate mesajele și Trimise. La Redirecționare și POP/IMAP alegeți ca numărul de mesaje dintr-un dosar IMAP să nu fie limitat; altfel corespondența mai veche rămâne ascunsă.',
  'workspace-admin':
    'Rugați administratorul Google Workspace să vă permită IMAP (Consola de administrare: Aplicații, Google Workspace, Gmail, Accesul utilizatorilor finali, Acces POP și IMAP) și să permită verificarea în doi pași, ca să puteți crea o parolă pentru aplicații.',
  'microsoft-oauth-only':
    'Microsoft nu acceptă parole de la alte programe, nici parole pentru aplicații: cutia poștală se conectează prin autentificare la Microsoft (OAuth2). Acolo unde aceasta nu vă este oferită încă aici, cutia poștală nu poate fi conectată deocamdată prin IMAP.',
  'outlook-imap-on':
    'În Outlook.com deschideți Setări, E-mail, Redirecționare și IMAP, și permiteți dispozitivelor și aplicațiilor să folosească IMAP. Este dezactivat până îl activați.',
  'microsoft-365-admin':
    'Rugați administratorul Microsoft 365 să lase IMAP activat pentru cutia dumneavoastră poștală (Centrul de administrare Exchange: Destinatari, Cutii poștale, Gestionarea aplicațiilor de e-mail) și să consimtă la această aplicație pentru organizația dumneavoastră.',
  'yahoo-japan-access':
    'În Yahoo! JAPAN Mail deschideți Setări, Acces IMAP/POP/SMTP, și permiteți accesul programelor de e-mail.',
  'yahoo-app-password':
    'Creați o parolă pentru aplicații: pagina contului Yahoo, Securitate, Generați o parolă pentru aplicații. Introduceți-o ca parolă; parola obișnuită a contului nu este acceptată.',
  'yahoo-shows-a-part':
    'Programelor li se arată cel mult 10.000 de mesaje dintr-un dosar. Mutați corespondența mai veche în dosare proprii, de exemplu unul pe an, ca să poată fi citită toată.',
  'aol-app-password':
    'Creați o parolă pentru aplicații: pagina contului AOL, Securitate, Generați o parolă pentru aplicații. Introduceți-o ca parolă; parola obișnuită a contului nu este acceptată.',
  'fastmail-app-password':
    'Creați o parolă pentru aplicații cu acces la e-mail (IMAP): Fastmail, Settings, Privacy & Security, Manage app passwords. Introduceți-o ca parolă; parola obișnuită a contului nu este acceptată.',
  'icloud-two-factor':
    'Activați autentificarea cu doi factori pentru contul Apple. Fără ea, Apple nu emite parole specifice aplicațiilor.',
  'icloud-app-password':
    'Creați o parolă specifică aplicației: account.apple.com, Autentificare și securitate, Parole specifice aplicațiilor. Introduceți-o ca parolă; parola contului Apple nu este acceptată.',
  'gmx-imap-on':
    'Permiteți accesul: GMX în browser, E-Mail, Setări, POP3/IMAP, permiteți trimiterea și primirea prin programe externe. Este dezactivat până îl activați.',
  'webde-imap-on':
    'Permiteți accesul: WEB.DE în browser, E-Mail, Setări, POP3/IMAP, permiteți trimiterea și primirea prin programe externe. Este dezactivat până îl activați.',
  'united-internet-app-password':
    'Dacă aveți activată autentificarea cu doi factori, creați în setările de securitate ale contului o parolă specifică aplicației și introduceți-o ca parolă.',
  'hosting-mailbox-password':
    'Introduceți adresa de e-mail întreagă ca nume de utilizator și parola acestei cutii poștale. Nu este parola contului de client; cine administrează contractul o poate seta din nou.',
  'telekom-mail-password':
    'Stabiliți în centrul de clienți Telekom, la parole, o parolă pentru programele de e-mail și introduceți-o pe aceasta. Parola de conectare la Telekom nu este acceptată.',
  'confirm-server':
    'Verificați dacă serverul găsit este cel al furnizorului dumneavoastră de e-mail și confirmați-l. Înainte de aceasta, parola nu este trimisă nimănui.',
  'give-server':
    'Nu a fost găsit niciun server de e-mail pentru această adresă. Luați serverul IMAP, portul și criptarea din paginile de ajutor ale furnizorului de e-mail sau întrebați-l pe cel care vă administrează e-mailul, și introduceți-le.',
  'mailbox-password':
    'Pregătiți numele de utilizator și parola cutiei poștale; numele de utilizator este de obicei adresa de e-mail întreagă. Cu verificarea în doi pași, cei mai mulți furnizori cer o parolă pentru aplicații creată în acest scop.',
};
