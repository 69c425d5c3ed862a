// An IMAP server with one big folder, as a process of its own, so that its work is not taken for ours. Every eleventh UID is
// not there, so the UIDs are many ranges. Started with the number of messages; sends its port, and takes a new number of messages. With a
// second number, only every UID that it divides is there.
const { createServer } = require('node:net');

let messages = Number(process.argv[2]);
const gap = 11;
const each = Number(process.argv[3] ?? 1);
const uidOf = (number) => (each > 1 ? number * each : number + Math.floor((number - 1) / (gap - 1)));
const numberOf = (uid) => (each > 1 ? Math.floor(uid / each) : uid - Math.floor(uid / gap));
const isThere = (uid) => (each > 1 ? uid % each === 0 : uid % gap !== 0);

/** @param {string} set */
function uidsOf(set) {
  const uids = [];
  for (const range of set.split(',')) {
    const [from, to = from] = range.split(':').map((end) => (end === '*' ? uidOf(messages) : Number(end)));
    const [low, high] = [Math.min(from, to), Math.min(Math.max(from, to), uidOf(messages))];
    for (let uid = Math.max(1, low); uid <= high; uid += 1) if (isThere(uid)) uids.push(uid);
  }
  return uids;
}

const all = () => uidsOf('1:*');
const row = (uid) =>
  `* ${numberOf(uid)} FETCH (UID ${uid} FLAGS () RFC822.SIZE 60 INTERNALDATE "02-Jan-2020 03:04:05 +0000")`;
const rowBySequence = (number) => row(uidOf(number));

/** @type {Record<string, (args: string) => string[]>} */
const answers = {
  CAPABILITY: () => ['* CAPABILITY IMAP4rev1'],
  LIST: () => ['* LIST () "/" "INBOX"'],
  STATUS: () => [`* STATUS "INBOX" (MESSAGES ${messages} UIDNEXT ${uidOf(messages) + 1} UIDVALIDITY 7)`],
  EXAMINE: () => [
    '* FLAGS ()',
    `* ${messages} EXISTS`,
    '* OK [UIDVALIDITY 7] x',
    `* OK [UIDNEXT ${uidOf(messages) + 1}] x`,
  ],
  'UID SEARCH': (args) => {
    const set = /UID ([\d:,*]+)/.exec(args)?.[1];
    return [`* SEARCH ${(set === undefined ? all() : uidsOf(set)).join(' ')}`.trimEnd()];
  },
  'UID FETCH': (args) => uidsOf(args.split(' ')[0]).map((uid) => (args.includes('BODY') ? withBytes(uid) : row(uid))),
  FETCH: (args) => {
    const numbers = args.split(' ')[0].split(',');
    return numbers.flatMap((range) => {
      const [from, to = from] = range.split(':').map((end) => (end === '*' ? messages : Number(end)));
      return Array.from({ length: to - from + 1 }, (_, index) => rowBySequence(from + index));
    });
  },
};

function withBytes(uid) {
  const raw = `Subject: number ${uid}\r\nMessage-ID: <${uid}@big.example>\r\n\r\nx\r\n`;
  return `${row(uid).slice(0, -1)} BODY[] {${raw.length}}\r\n${raw})`;
}

const server = createServer((socket) => {
  let input = '';
  socket.on('error', () => undefined);
  socket.write('* OK ready\r\n');
  socket.on('data', (chunk) => {
    input += chunk.toString('latin1');
    const lines = input.split('\r\n');
    input = lines.pop() ?? '';
    for (const line of lines) {
      const [, tag, command, args] = /^(\S+) ((?:UID )?\S+) ?(.*)$/i.exec(line) ?? [];
      process.send?.({ command: `${command} ${args.slice(0, 60)}` });
      const answer = answers[command.toUpperCase()]?.(args) ?? [];
      socket.write([...answer, `${tag} OK done`, ''].join('\r\n'));
    }
  });
});

process.on('message', (count) => {
  messages = Number(count);
  process.send?.({ messages });
});
server.listen(0, '127.0.0.1', () => process.send?.({ port: server.address().port }));
