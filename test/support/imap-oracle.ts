import { createHash } from 'node:crypto';
import { connect, type Socket } from 'node:net';

/** What a server holds, seen by a client that shares no code with the product: folder, UID and SHA-256 of the bytes. */
export interface ServerListing {
  folder: string;
  uidValidity: string;
  uid: number;
  sha256: string;
  size: number;
}

/** Lists every message of these folders (IMAP names in modified UTF-7, as LIST shows them), on a connection of its own. */
export async function listServer(account: {
  port: number;
  user: string;
  folders?: string[];
}): Promise<ServerListing[]> {
  const client = await Wire.open(account.port);
  await client.command(`LOGIN "${account.user}" "pass"`);
  const folders = account.folders ?? (await client.folders());
  const listing: ServerListing[] = [];
  for (const folder of folders) {
    const opened = (await client.command(`EXAMINE ${folder}`)).toString('latin1');
    const uidValidity = /UIDVALIDITY (\d+)/.exec(opened)?.[1] ?? '';
    if (opened.includes('* 0 EXISTS')) continue;
    listing.push(...messagesIn(await client.command('UID FETCH 1:* BODY.PEEK[]'), { folder, uidValidity }));
  }
  await client.command('LOGOUT');
  return listing;
}

function messagesIn(answer: Buffer, at: { folder: string; uidValidity: string }): ServerListing[] {
  const found: ServerListing[] = [];
  let from = 0;
  for (;;) {
    const header = answer.indexOf('* ', from);
    const brace = header < 0 ? -1 : answer.indexOf('}\r\n', header);
    if (brace < 0) return found;
    const line = answer.subarray(header, brace).toString('latin1');
    const parsed = /UID (\d+).*\{(\d+)$/s.exec(line);
    if (parsed === null) throw new Error('the oracle does not understand the server');
    const size = Number(parsed[2]);
    const bytes = answer.subarray(brace + 3, brace + 3 + size);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    found.push({ ...at, uid: Number(parsed[1]), sha256, size });
    from = brace + 3 + size;
  }
}

class Wire {
  private chunks: Buffer[] = [];
  private wake: () => void = () => undefined;
  private number = 0;

  private constructor(private readonly socket: Socket) {
    socket.on('data', (chunk) => {
      this.chunks.push(chunk);
      this.wake();
    });
  }

  static async open(port: number): Promise<Wire> {
    const wire = new Wire(connect(port, '127.0.0.1'));
    await wire.until((all) => all.includes('\r\n'));
    return wire;
  }

  async folders(): Promise<string[]> {
    const answer = (await this.command('LIST "" "*"')).toString('latin1');
    return [...answer.matchAll(/^\* LIST \(([^)]*)\) (?:"."|NIL) (.+)\r$/gm)]
      .filter((line) => !/\\Noselect/i.test(line[1] ?? ''))
      .map((line) => line[2] ?? '');
  }

  /** The whole answer, with its tagged line. */
  async command(text: string): Promise<Buffer> {
    this.number += 1;
    const tag = `t${String(this.number)}`;
    this.chunks = [];
    this.socket.write(`${tag} ${text}\r\n`);
    const answer = await this.until((all) => {
      const tail = all.subarray(-2_000).toString('latin1');
      return new RegExp(`(^|\\r\\n)${tag} (OK|NO|BAD)[^\\r\\n]*\\r\\n$`).test(tail);
    });
    if (text === 'LOGOUT') this.socket.destroy();
    return answer;
  }

  private async until(isWhole: (all: Buffer) => boolean): Promise<Buffer> {
    for (;;) {
      const last = this.chunks.at(-1);
      if (last?.subarray(-2).equals(Buffer.from('\r\n')) === true) {
        const all = Buffer.concat(this.chunks);
        this.chunks = [all];
        if (isWhole(all)) return all;
      }
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
  }
}
