import type { StepTexts } from './step-codes';

export const stepsDe: StepTexts = {
  'google-two-step':
    'Schalten Sie für das Google-Konto die Bestätigung in zwei Schritten ein: myaccount.google.com, Sicherheit, Bestätigung in zwei Schritten. Ohne sie vergibt Google keine App-Passwörter.',
  'google-app-password':
    'Erstellen Sie unter myaccount.google.com/apppasswords ein App-Passwort und geben Sie dessen 16 Buchstaben als Passwort an. Das gewöhnliche Passwort des Kontos wird nicht angenommen.',
  'gmail-show-everything':
    'Öffnen Sie in Gmail die Einstellungen, „Alle Einstellungen aufrufen“. Setzen Sie unter Labels bei „Alle Nachrichten“ und „Gesendet“ das Häkchen „In IMAP anzeigen“. Wählen Sie unter „Weiterleitung & POP/IMAP“, dass die Zahl der Nachrichten in einem IMAP-Ordner nicht beschränkt wird; sonst bleibt ältere Post verborgen.',
  'workspace-admin':
    'Bitten Sie den Administrator Ihres Google Workspace, IMAP für Sie zu erlauben (Admin-Konsole: Apps, Google Workspace, Gmail, Endnutzerzugriff, POP- und IMAP-Zugriff) und die Bestätigung in zwei Schritten zuzulassen, damit Sie ein App-Passwort erstellen können.',
  'microsoft-oauth-only':
    'Microsoft nimmt von anderen Programmen keine Passwörter an, auch keine App-Passwörter: Das Postfach wird verbunden, indem Sie sich bei Microsoft anmelden (OAuth2). Wo Ihnen das hier noch nicht angeboten wird, lässt sich das Postfach vorerst nicht über IMAP verbinden.',
  'outlook-imap-on':
    'Öffnen Sie in Outlook.com die Einstellungen, E-Mail, „Weiterleitung und IMAP“, und erlauben Sie Geräten und Apps die Verwendung von IMAP. Es ist ausgeschaltet, bis Sie es einschalten.',
  'microsoft-365-admin':
    'Bitten Sie den Administrator Ihres Microsoft 365, IMAP für Ihr Postfach eingeschaltet zu lassen (Exchange Admin Center: Empfänger, Postfächer, E-Mail-Apps verwalten) und dieser Anwendung für Ihre Organisation zuzustimmen.',
  'yahoo-japan-access':
    'Öffnen Sie in Yahoo! JAPAN Mail die Einstellungen, IMAP/POP/SMTP-Zugriff, und erlauben Sie den Zugriff durch E-Mail-Programme.',
  'yahoo-app-password':
    'Erstellen Sie ein App-Passwort: Yahoo-Kontoseite, Sicherheit, App-Passwort generieren. Geben Sie es als Passwort an; das gewöhnliche Passwort des Kontos wird nicht angenommen.',
  'yahoo-shows-a-part':
    'Programmen werden von einem Ordner höchstens 10.000 Nachrichten gezeigt. Verschieben Sie ältere Post in eigene Ordner, zum Beispiel einen je Jahr, damit alles gelesen werden kann.',
  'aol-app-password':
    'Erstellen Sie ein App-Passwort: AOL-Kontoseite, Sicherheit, App-Passwort generieren. Geben Sie es als Passwort an; das gewöhnliche Passwort des Kontos wird nicht angenommen.',
  'fastmail-app-password':
    'Erstellen Sie ein App-Passwort mit Zugriff auf E-Mail (IMAP): Fastmail, Settings, Privacy & Security, Manage app passwords. Geben Sie es als Passwort an; das gewöhnliche Passwort des Kontos wird nicht angenommen.',
  'icloud-two-factor':
    'Schalten Sie für den Apple Account die Zwei-Faktor-Authentifizierung ein. Ohne sie vergibt Apple keine anwendungsspezifischen Passwörter.',
  'icloud-app-password':
    'Erstellen Sie ein anwendungsspezifisches Passwort: account.apple.com, Anmeldung und Sicherheit, anwendungsspezifische Passwörter. Geben Sie es als Passwort an; das Passwort des Apple Account wird nicht angenommen.',
  'gmx-imap-on':
    'Erlauben Sie den Zugriff: GMX im Browser, E-Mail, Einstellungen, POP3/IMAP, Senden und Empfangen über externe Programme erlauben. Er ist ausgeschaltet, bis Sie ihn einschalten.',
  'webde-imap-on':
    'Erlauben Sie den Zugriff: WEB.DE im Browser, E-Mail, Einstellungen, POP3/IMAP, Senden und Empfangen über externe Programme erlauben. Er ist ausgeschaltet, bis Sie ihn einschalten.',
  'united-internet-app-password':
    'Wenn Sie die Zwei-Faktor-Authentifizierung eingeschaltet haben, erstellen Sie in den Sicherheitseinstellungen des Kontos ein anwendungsspezifisches Passwort und geben Sie es als Passwort an.',
  'hosting-mailbox-password':
    'Geben Sie als Benutzernamen die ganze E-Mail-Adresse an und dazu das Passwort dieses Postfachs. Es ist nicht das Passwort des Kundenkontos; wer den Vertrag verwaltet, kann es neu setzen.',
  'telekom-mail-password':
    'Legen Sie im Telekom Kundencenter unter „Passwörter“ ein Passwort für E-Mail-Programme fest und geben Sie dieses an. Das Passwort des Telekom Logins wird nicht angenommen.',
  'confirm-server':
    'Prüfen Sie, ob der gefundene Server der Ihres E-Mail-Anbieters ist, und bestätigen Sie ihn. Vorher wird Ihr Passwort an niemanden gesendet.',
  'give-server':
    'Zu dieser Adresse wurde kein Mailserver gefunden. Entnehmen Sie IMAP-Server, Port und Verschlüsselung den Hilfeseiten Ihres E-Mail-Anbieters, oder fragen Sie, wer Ihre E-Mail betreibt, und geben Sie sie ein.',
  'mailbox-password':
    'Halten Sie Benutzernamen und Passwort des Postfachs bereit; der Benutzername ist meist die ganze E-Mail-Adresse. Bei Bestätigung in zwei Schritten verlangen die meisten Anbieter ein eigens erstelltes App-Passwort.',
};
