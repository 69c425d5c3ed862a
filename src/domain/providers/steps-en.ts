import type { StepTexts } from './step-codes';

export const stepsEn: StepTexts = {
  'google-two-step':
    'Turn on 2-Step Verification for the Google account: myaccount.google.com, Security, 2-Step Verification. Without it Google issues no app passwords.',
  'google-app-password':
    'Make an app password at myaccount.google.com/apppasswords and give its 16 letters as the password. The usual password of the account is not accepted.',
  'gmail-show-everything':
    'In Gmail open Settings, See all settings. Under Labels tick "Show in IMAP" for All Mail and Sent Mail. Under Forwarding and POP/IMAP choose not to limit the number of messages in an IMAP folder; otherwise older mail stays hidden.',
  'workspace-admin':
    'Ask the administrator of your Google Workspace to allow IMAP for you (Admin console: Apps, Google Workspace, Gmail, End User Access, POP and IMAP access) and to allow 2-Step Verification, so that you can make an app password.',
  'microsoft-oauth-only':
    'Microsoft accepts no passwords from other programs, and no app passwords either: the mailbox is connected by signing in with Microsoft (OAuth2). Where that is not offered to you here yet, the mailbox cannot be connected by IMAP for now.',
  'outlook-imap-on':
    'In Outlook.com open Settings, Mail, Forwarding and IMAP, and let devices and apps use IMAP. It is off until you turn it on.',
  'microsoft-365-admin':
    'Ask the administrator of your Microsoft 365 to leave IMAP on for your mailbox (Exchange admin center: Recipients, Mailboxes, Manage email apps settings) and to consent to this application for your organisation.',
  'yahoo-japan-access': 'In Yahoo! JAPAN Mail open Settings, IMAP/POP/SMTP access, and allow access by mail programs.',
  'yahoo-app-password':
    'Make an app password: Yahoo account page, Security, Generate app password. Give it as the password; the usual password of the account is not accepted.',
  'yahoo-shows-a-part':
    'Programs are shown at most 10,000 messages of a folder. Move older mail into folders of its own, for instance one a year, so that all of it can be read.',
  'aol-app-password':
    'Make an app password: AOL account page, Security, Generate app password. Give it as the password; the usual password of the account is not accepted.',
  'fastmail-app-password':
    'Make an app password with access to mail (IMAP): Fastmail, Settings, Privacy & Security, Manage app passwords. Give it as the password; the usual password of the account is not accepted.',
  'icloud-two-factor':
    'Turn on two-factor authentication for the Apple Account. Without it Apple issues no app-specific passwords.',
  'icloud-app-password':
    'Make an app-specific password: account.apple.com, Sign-In and Security, App-Specific Passwords. Give it as the password; the password of the Apple Account is not accepted.',
  'gmx-imap-on':
    'Allow the access: GMX in the browser, E-Mail, Settings, POP3/IMAP, "Allow sending and receiving by external programs". It is off until you turn it on.',
  'webde-imap-on':
    'Allow the access: WEB.DE in the browser, E-Mail, Settings, POP3/IMAP, "Allow sending and receiving by external programs". It is off until you turn it on.',
  'united-internet-app-password':
    'If you have two-factor authentication turned on, make an application-specific password in the security settings of the account, and give it as the password.',
  'hosting-mailbox-password':
    'Give the whole e-mail address as the user name, and the password of this mailbox. It is not the password of the customer account; whoever manages the contract can set it anew.',
  'telekom-mail-password':
    'Set a password for mail programs in the Telekom customer centre, under passwords, and give that one. The password of the Telekom login is not accepted.',
  'confirm-server':
    'Check that the server which was found is the one of your mail provider, and confirm it. Your password is sent to nobody before that.',
  'give-server':
    'No mail server was found for this address. Take the IMAP server, port and encryption from the help pages of your mail provider, or ask whoever runs your mail, and enter them.',
  'mailbox-password':
    'Have the user name and password of the mailbox at hand; the user name is usually the whole e-mail address. With two-step verification most providers want an app password made for this purpose.',
};
