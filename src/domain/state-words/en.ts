import type { StateTexts, Words } from './words';

const passes = (sentence: string): Words => ({ sentence, remedy: null });
const askProvider = 'Ask whoever runs the mail server, then POST .../sync.';

export const stateTextsEn: StateTexts = {
  states: {
    connecting: passes('The first round has not ended yet.'),
    live: passes('New mail is followed.'),
    'backing-off': passes('The last round failed; it will be tried again by itself.'),
    'auth-required': {
      sentence: 'The server refused the login.',
      remedy: 'Give the right password with PATCH /v1/mailboxes/{id}.',
    },
    'needs-attention': {
      sentence: 'The server refuses something that a person must look at.',
      remedy: 'Look at lastError, put it right, then POST .../sync.',
    },
    paused: { sentence: 'It was paused.', remedy: 'POST .../resume goes on.' },
    stopping: passes('It is being stopped.'),
    stopped: { sentence: 'It was stopped; what was recorded is kept.', remedy: 'POST .../start goes on.' },
    deleting: passes('It is being deleted.'),
  },
  reasons: {
    'host-not-found': {
      sentence: 'There is no server of this name.',
      remedy: 'Check the spelling of the host, or take it from the provider\'s help page on "IMAP settings".',
    },
    'port-closed': {
      sentence: 'The server does not accept connections on this port.',
      remedy: 'Check the port: 993 for TLS, 143 for STARTTLS; a firewall may also be in the way.',
    },
    'timed-out': {
      sentence: 'The server did not answer in time.',
      remedy: 'Check host and port, and whether a firewall lets this machine reach them; then try again.',
    },
    'not-an-imap-server': {
      sentence: 'Something answers at this host and port, but it does not speak IMAP in this way.',
      remedy:
        'Check the port and the security: 993 with TLS, 143 with STARTTLS. If both are right, the server may be turning this machine away: ask whoever runs it.',
    },
    'tls-required': {
      sentence: 'The server does not take a password over this kind of connection.',
      remedy: 'Choose TLS (port 993), or STARTTLS (port 143) where the provider has it.',
    },
    'tls-name-mismatch': {
      sentence: "The server's certificate belongs to another name.",
      remedy: 'Use the host name that the provider gives, not an alias or an IP address of it.',
    },
    'certificate-expired': {
      sentence: "The server's certificate is not valid at this date.",
      remedy: 'Whoever runs the mail server must renew it; check the clock of this machine too.',
    },
    'certificate-not-trusted': {
      sentence: "The server's certificate was not issued by a known authority.",
      remedy:
        'Give the certificate of your own authority as `ca`, or allow invalid certificates for this mailbox if you accept that anybody on the way could read along.',
    },
    'login-refused': {
      sentence: 'The server refused user name or password.',
      remedy:
        'Check both, and give the right ones with PATCH /v1/mailboxes/{id}; with two-step verification most providers want an app password made for this purpose.',
    },
    'imap-disabled': {
      sentence: 'IMAP is switched off for this account, or passwords are not accepted for it.',
      remedy: 'Switch IMAP on in the settings of the mail account, or ask its administrator.',
    },
    'too-many-connections': {
      sentence: 'The server takes no more connections for this account at the moment.',
      remedy: 'Close other mail programs that use it, wait some minutes, and try again.',
    },
    'host-not-allowed': {
      sentence:
        'This host is, or leads to, an address inside a private or reserved network, which may not be connected to.',
      remedy: 'Whoever runs Letterbook can allow the network with LETTERBOOK_ALLOWED_NETWORKS.',
    },
    aborted: passes('The round was broken off, because the worker was stopped.'),
    'command-not-understood': {
      sentence: 'The server does not understand a command.',
      remedy: 'Check that host and port belong to the mail server, then POST .../sync.',
    },
    'command-refused': { sentence: 'The server refused a command without saying why.', remedy: askProvider },
    'connection-lost': passes('The connection broke in the middle of a round.'),
    'contact-admin': {
      sentence: 'The server asks the owner to contact its administrator.',
      remedy: 'Ask the administrator of the mail server, then POST .../sync.',
    },
    'disk-low': {
      sentence: 'The disk of this server is nearly full, so nothing is fetched.',
      remedy: 'Make room on the disk of the data directory.',
    },
    'empty-listing': {
      sentence: 'The server shows no folders at all.',
      remedy: 'Check the account at the provider, then POST .../sync.',
    },
    flooded: passes('The server sent more than was asked for, and was cut off.'),
    'folder-corrupt': {
      sentence: 'The server says that a folder is damaged.',
      remedy: 'Ask the administrator of the mail server to repair it.',
    },
    'folder-gone': passes('A folder disappeared during the round.'),
    'folder-not-open': passes('A folder was closed in the middle of a round.'),
    'garbled-answer': passes('The server answered something that is not IMAP.'),
    'in-use': passes('The server says that the mailbox is in use.'),
    internal: {
      sentence: 'Something went wrong in Letterbook itself, not at the mail server; it will be tried again by itself.',
      remedy: 'If it lasts, tell whoever runs Letterbook: the log of the worker says more.',
    },
    limit: passes('A limit of the server was reached.'),
    'listing-not-proven': passes('The server did not show a whole folder.'),
    'no-permission': {
      sentence: 'The server does not let this account read a folder.',
      remedy: 'Give the account the right, or exclude the folder in the policy.',
    },
    'no-uidvalidity': { sentence: 'The server does not number the mail of a folder.', remedy: askProvider },
    'not-connected': {
      sentence: 'The server knows the account, but does not let it in at the moment.',
      remedy: 'If it lasts, check that the account has a licence for IMAP and that the mailbox is its own.',
    },
    'not-delivered': passes('The server lists messages that it did not deliver.'),
    'nothing-delivered': passes('The server lists messages but delivers none of them.'),
    'over-quota': {
      sentence: 'The mailbox is full.',
      remedy: 'Make room in the mailbox, or ask the provider for more.',
    },
    'password-unreadable': {
      sentence: 'Letterbook cannot read the password that it keeps: the key is missing, or is another one.',
      remedy:
        'Whoever runs Letterbook can put the key back into LETTERBOOK_SECRET_KEYS; mail then goes on within an hour. If it is lost, give the password anew with PATCH /v1/mailboxes/{id}.',
    },
    'read-only': {
      sentence: 'The server does not let this account change flags.',
      remedy: 'Give the account the right, or switch markSeen off in the policy.',
    },
    'search-refused': { sentence: 'The server refuses to list the mail of a folder.', remedy: askProvider },
    'store-refused': {
      sentence: 'The server refuses to mark mail as read.',
      remedy: 'Give the account the right, or switch markSeen off in the policy.',
    },
    'stream-cut': passes('A large message broke off in the middle.'),
    throttled: passes('The server asks for fewer requests.'),
    'too-large': passes('An answer of the server was larger than is allowed.'),
    'too-many-folders': {
      sentence: 'The mailbox has more folders than are allowed.',
      remedy: 'Select the folders that matter in the policy, or raise LETTERBOOK_MAX_FOLDERS.',
    },
    'uidvalidity-changed': passes('A folder was made anew on the server.'),
    unavailable: passes('The server says that it is not available at the moment.'),
  },
  unknownReason: 'The round failed: {code}.',
  answerRemovals:
    'Messages are gone on the server, very many or uncertain ones. See GET .../removals, then say with POST .../removals/confirm or .../removals/keep whether they were removed on purpose.',
  notices: {
    'needs-password': {
      raised: 'The server refuses the password of this mailbox. Until there is a right one, no mail comes in.',
      well: 'The password is accepted again; mail comes in.',
      stopped: 'The mailbox was stopped before it had a right password. No mail comes in until it is started again.',
    },
    'no-success': {
      raised: 'For hours no mail could be fetched from this mailbox. It is tried again all the time.',
      well: 'Mail is fetched from this mailbox again.',
      stopped:
        'The mailbox was stopped, and nothing could be fetched from it before. It is not tried again until it is started.',
    },
    'not-complete': {
      raised: 'Some mail of this mailbox is missing here, or cannot be proven to be here.',
      well: 'All mail of this mailbox is here.',
      stopped:
        'The mailbox was stopped before all of its mail was proven to be here. What is missing is not fetched until it is started again.',
    },
    'confirm-removal': {
      raised:
        'Messages of this mailbox are gone on the server, very many at once, or while the server says nothing of another message that may be one of them. They stay here until somebody says whether they were removed on purpose.',
      well: 'No removals of this mailbox wait for an answer any more.',
      stopped:
        'The mailbox was stopped before somebody said whether messages were removed on purpose. Nothing is removed for that until it is started again.',
    },
  },
};
