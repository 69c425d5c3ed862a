import type { StepTexts } from './step-codes';

export const stepsNl: StepTexts = {
  'google-two-step':
    'Zet verificatie in twee stappen aan voor het Google-account: myaccount.google.com, Beveiliging, Verificatie in twee stappen. Zonder die stap geeft Google geen app-wachtwoorden uit.',
  'google-app-password':
    'Maak een app-wachtwoord op myaccount.google.com/apppasswords en geef de 16 letters ervan op als wachtwoord. Het gewone wachtwoord van het account wordt niet geaccepteerd.',
  'gmail-show-everything':
    'Open in Gmail Instellingen, Alle instellingen bekijken. Vink onder Labels bij Alle berichten en Verzonden ‘Weergeven in IMAP’ aan. Kies onder Doorsturen en POP/IMAP dat het aantal berichten in een IMAP-map niet wordt beperkt; anders blijft oudere post verborgen.',
  'workspace-admin':
    'Vraag de beheerder van uw Google Workspace om IMAP voor u toe te staan (Beheerdersconsole: Apps, Google Workspace, Gmail, Toegang voor eindgebruikers, POP- en IMAP-toegang) en om verificatie in twee stappen toe te staan, zodat u een app-wachtwoord kunt maken.',
  'microsoft-oauth-only':
    'Microsoft accepteert geen wachtwoorden van andere programma’s, ook geen app-wachtwoorden: de mailbox wordt gekoppeld door u bij Microsoft aan te melden (OAuth2). Waar dat u hier nog niet wordt aangeboden, kan de mailbox voorlopig niet via IMAP worden gekoppeld.',
  'outlook-imap-on':
    'Open in Outlook.com Instellingen, E-mail, Doorsturen en IMAP, en sta toe dat apparaten en apps IMAP gebruiken. Het staat uit tot u het aanzet.',
  'microsoft-365-admin':
    'Vraag de beheerder van uw Microsoft 365 om IMAP voor uw mailbox aan te laten staan (Exchange-beheercentrum: Geadresseerden, Postvakken, Instellingen voor e-mail-apps beheren) en om voor uw organisatie toestemming te geven aan deze toepassing.',
  'yahoo-japan-access':
    'Open in Yahoo! JAPAN Mail Instellingen, IMAP/POP/SMTP-toegang, en sta toegang door mailprogramma’s toe.',
  'yahoo-app-password':
    'Maak een app-wachtwoord: Yahoo-accountpagina, Beveiliging, App-wachtwoord genereren. Geef het op als wachtwoord; het gewone wachtwoord van het account wordt niet geaccepteerd.',
  'yahoo-shows-a-part':
    'Programma’s krijgen van een map hooguit 10.000 berichten te zien. Verplaats oudere post naar eigen mappen, bijvoorbeeld één per jaar, zodat alles gelezen kan worden.',
  'aol-app-password':
    'Maak een app-wachtwoord: AOL-accountpagina, Beveiliging, App-wachtwoord genereren. Geef het op als wachtwoord; het gewone wachtwoord van het account wordt niet geaccepteerd.',
  'fastmail-app-password':
    'Maak een app-wachtwoord met toegang tot e-mail (IMAP): Fastmail, Settings, Privacy & Security, Manage app passwords. Geef het op als wachtwoord; het gewone wachtwoord van het account wordt niet geaccepteerd.',
  'icloud-two-factor':
    'Zet twee-factor-authenticatie aan voor de Apple Account. Zonder die stap geeft Apple geen app-specifieke wachtwoorden uit.',
  'icloud-app-password':
    'Maak een app-specifiek wachtwoord: account.apple.com, Inloggen en beveiliging, App-specifieke wachtwoorden. Geef het op als wachtwoord; het wachtwoord van de Apple Account wordt niet geaccepteerd.',
  'gmx-imap-on':
    'Sta de toegang toe: GMX in de browser, E-mail, Instellingen, POP3/IMAP, verzenden en ontvangen via externe programma’s toestaan. Het staat uit tot u het aanzet.',
  'webde-imap-on':
    'Sta de toegang toe: WEB.DE in de browser, E-mail, Instellingen, POP3/IMAP, verzenden en ontvangen via externe programma’s toestaan. Het staat uit tot u het aanzet.',
  'united-internet-app-password':
    'Hebt u twee-factor-authenticatie aangezet, maak dan in de beveiligingsinstellingen van het account een toepassingsspecifiek wachtwoord en geef dat op als wachtwoord.',
  'hosting-mailbox-password':
    'Geef het volledige e-mailadres op als gebruikersnaam, en het wachtwoord van deze mailbox. Dat is niet het wachtwoord van het klantaccount; wie het contract beheert, kan het opnieuw instellen.',
  'telekom-mail-password':
    'Stel in het klantencentrum van Telekom onder wachtwoorden een wachtwoord voor mailprogramma’s in en geef dat op. Het wachtwoord van de Telekom-login wordt niet geaccepteerd.',
  'confirm-server':
    'Controleer of de gevonden server die van uw mailprovider is, en bevestig hem. Uw wachtwoord wordt daarvoor aan niemand verzonden.',
  'give-server':
    'Voor dit adres is geen mailserver gevonden. Neem IMAP-server, poort en versleuteling over van de helppagina’s van uw mailprovider, of vraag ze aan wie uw e-mail beheert, en vul ze in.',
  'mailbox-password':
    'Houd gebruikersnaam en wachtwoord van de mailbox bij de hand; de gebruikersnaam is meestal het volledige e-mailadres. Bij verificatie in twee stappen willen de meeste providers een app-wachtwoord dat hiervoor gemaakt is.',
};
