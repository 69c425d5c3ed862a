import type { ConnectorTexts } from './words';

export const connectorTextsEn: ConnectorTexts = {
  errors: {
    'host-not-found': 'There is no server of this name. Check the host in `settings.baseUrl`.',
    'host-not-allowed':
      'This host is, or leads to, an address inside a private or reserved network, which may not be connected to. Whoever runs Letterbook can allow the network with LETTERBOOK_ALLOWED_NETWORKS.',
    'tls-needed':
      'The token would go over the open network in clear. Give a `settings.baseUrl` that begins with https://.',
    'connection-failed':
      'No connection to the CRM could be made, or it broke. It is tried again; check host and port if this goes on.',
    'certificate-not-trusted':
      "The CRM's certificate does not hold: it has run out, belongs to another name, or comes from an unknown authority.",
    'timed-out': 'The CRM did not answer in time. It is tried again.',
    'server-error': 'The CRM has a fault of its own at the moment. It is tried again.',
    'too-many-requests': 'The CRM asks to be left alone for a while. It is asked again when that is over.',
    'token-refused': 'The CRM refused the token. Make a new one there, and give it as `secrets.token`.',
    redirected: 'The CRM sends us to another address, which is not followed. Give that address as `settings.baseUrl`.',
    'request-refused': 'The CRM does not know what it was asked. Check the paths in `settings`.',
    'answer-too-large': 'The answer of the CRM is too large. Set a smaller `settings.pull.pageSize`.',
    'answer-not-json': 'The CRM did not answer in JSON. Check the paths in `settings`: this may be a page for people.',
    'answer-unexpected': 'In the answer of the CRM there is no list where `settings` says that there is one.',
    'secret-unreadable':
      'What is kept secret of this connector cannot be opened. Give `secrets` again, or put the key back into LETTERBOOK_SECRET_KEYS.',
    'settings-unreadable': 'The settings are of another version. Write them again.',
  },
  otherwise: 'The CRM could not be asked.',
  paused: 'Paused by a person.',
  first: 'Fetching all records for the first time.',
  inStep: 'In step with the CRM.',
  read: 'The CRM answers: {count} records and changes were read.',
  unread: 'The CRM answers: {count} records and changes were read; {unreadable} cannot be read by the mapping.',
};
