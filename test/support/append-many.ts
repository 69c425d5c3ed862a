import { once } from 'node:events';
import { connect } from 'node:net';

const perTurn = 500;

/** Puts many messages into a folder (INBOX where none is named) quickly: APPEND with LITERAL+ (RFC 7888), 500 at a time without waiting in between. */
export async function appendMany(
  account: { port: number; user: string; folder?: string },
  messages: Buffer[],
): Promise<void> {
  const socket = connect(account.port, '127.0.0.1');
  let answered = 0;
  let rest = '';
  let wake: () => void = () => undefined;
  socket.on('data', (chunk: Buffer) => {
    const lines = (rest + chunk.toString('latin1')).split('\r\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      if (/^a\d+ OK/.test(line)) answered += 1;
      else if (/^a\d+ (NO|BAD)/.test(line)) socket.destroy(new Error('APPEND was refused'));
    }
    wake();
  });
  const until = async (count: number) => {
    while (answered < count) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  };
  await once(socket, 'connect');
  socket.write(`a0 LOGIN "${account.user}" "pass"\r\n`);
  await until(1);
  for (let at = 0; at < messages.length; at += perTurn) {
    for (const [index, raw] of messages.slice(at, at + perTurn).entries()) {
      socket.write(`a${String(at + index + 1)} APPEND "${account.folder ?? 'INBOX'}" {${String(raw.length)}+}\r\n`);
      socket.write(Buffer.concat([raw, Buffer.from('\r\n')]));
    }
    await until(Math.min(at + perTurn, messages.length) + 1);
  }
  socket.end('z LOGOUT\r\n');
  await once(socket, 'close');
}
