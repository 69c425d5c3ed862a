import type { ConnectTexts } from './words';

export const connectTextsEn: ConnectTexts = {
  checkLogin: 'Check both; with two-step verification most providers want an app password made for this purpose.',
  found: {
    mx: 'The mail of this domain goes to the servers of a known provider, so this is probably its IMAP server.',
    srv: 'The DNS of this domain names this IMAP server.',
    guess: 'An IMAP server answers under a name that is usual for this domain.',
  },
  warnings: {
    'capped-listing':
      'The server counts more messages in a folder than it shows. What it does not show cannot be imported: at the provider, move older mail into folders of its own.',
    'message-limit':
      'This provider shows programs only a part of a large folder, so completeness cannot be proven. Keep folders small; Yahoo and AOL show at most 10,000 messages of one.',
    'no-sent-folder':
      'The server names no folder for sent mail. Answers that were sent may be missing from the history; see whether one of the folders is it, and whether it is in scope.',
    'sent-out-of-scope': 'The folder of sent mail is out of scope, so half of each conversation will be missing.',
    'inbox-out-of-scope': 'INBOX is out of scope, so new mail will not be seen until it is moved to a folder that is.',
    'nothing-in-scope': 'No folder is in scope, so nothing would be imported. Change `policy.folders`.',
    'all-mail-hidden':
      'Gmail hides "All Mail" from this connection, so archived mail without a label cannot be seen. In Gmail, Settings, Labels, tick "Show in IMAP" for All Mail.',
    'labels-overlap':
      'Gmail shows a message once under each of its labels. The counts of folders overlap, so fewer messages than their sum are there.',
    'quota-nearly-full':
      'The account is nearly full and will soon refuse mail. Make room in it, or ask the provider for more.',
    'too-many-folders':
      'The mailbox has more folders than are allowed. Select those that matter in the policy, or raise LETTERBOOK_MAX_FOLDERS.',
    'count-unknown': 'The server does not say how many messages are in a folder that is in scope.',
    'not-all-looked-into':
      'Not every folder in scope was looked into: the time was up, there are too many, or the server refused. Counts of what would be imported are estimates.',
  },
};
