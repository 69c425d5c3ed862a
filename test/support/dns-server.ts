import { createSocket } from 'node:dgram';

/** Records of a name: MX and SRV as a zone file has them, A as an address. */
export type Zone = Record<
  string,
  { mx?: [priority: number, host: string][]; srv?: [number, number, number, string][]; a?: string[] }
>;

export interface TestDnsServer {
  /** `address:port`, for `Resolver.setServers`. */
  address: string;
  /** Every question as it came: `MX example.org`. */
  asked: string[];
  stop: () => Promise<void>;
}

const types: Record<number, 'A' | 'MX' | 'SRV'> = { 1: 'A', 15: 'MX', 33: 'SRV' };

/** A DNS server on a UDP port of this machine that knows one zone, and NXDOMAIN; `silent` answers nothing at all. */
export async function startDnsServer(zone: Zone, behaviour: 'answers' | 'silent' = 'answers'): Promise<TestDnsServer> {
  const socket = createSocket('udp4');
  const asked: string[] = [];
  socket.on('message', (question, from) => {
    const { name, type, end } = readQuestion(question);
    asked.push(`${types[type] ?? String(type)} ${name}`);
    if (behaviour === 'silent') return;
    socket.send(answerTo(question.subarray(0, end), recordsOf(zone, name, type)), from.port, from.address);
  });
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  return {
    address: `127.0.0.1:${String(socket.address().port)}`,
    asked,
    stop: () => new Promise<void>((resolve) => socket.close(resolve)),
  };
}

/** The one question of a message (RFC 1035 4.1.2), and where it ends. */
function readQuestion(message: Buffer): { name: string; type: number; end: number } {
  const labels: string[] = [];
  let at = 12;
  for (let length = message.readUInt8(at); length > 0; length = message.readUInt8(at)) {
    labels.push(message.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join('.').toLowerCase(), type: message.readUInt16BE(at + 1), end: at + 5 };
}

/** The data of the records; null where the name is not in the zone. */
function recordsOf(zone: Zone, name: string, type: number): { type: number; data: Buffer }[] | null {
  const entry = zone[name];
  if (entry === undefined) return null;
  const data = {
    A: () => (entry.a ?? []).map((address) => Buffer.from(address.split('.').map(Number))),
    MX: () => (entry.mx ?? []).map(([priority, host]) => Buffer.concat([words(priority), nameBytes(host)])),
    SRV: () => (entry.srv ?? []).map(([...values]) => Buffer.concat([words(...numbers(values)), nameBytes(values[3])])),
  }[types[type] ?? 'A'];
  return data().map((bytes) => ({ type, data: bytes }));
}

function numbers(values: [number, number, number, string]): number[] {
  return [values[0], values[1], values[2]];
}

function words(...values: number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 2);
  for (const [index, value] of values.entries()) bytes.writeUInt16BE(value, index * 2);
  return bytes;
}

function nameBytes(name: string): Buffer {
  const labels = name.split('.').filter((label) => label !== '');
  return Buffer.concat([
    ...labels.map((label) => Buffer.from(`${String.fromCharCode(label.length)}${label}`)),
    Buffer.of(0),
  ]);
}

function answerTo(question: Buffer, records: { type: number; data: Buffer }[] | null): Buffer {
  const head = Buffer.alloc(12);
  question.copy(head, 0, 0, 2);
  // RFC 1035 4.1.1: a response, recursion available; 3 is NXDOMAIN.
  head.writeUInt16BE(records === null ? 0x8183 : 0x8180, 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt16BE(records?.length ?? 0, 6);
  const answers = (records ?? []).map(({ type, data }) =>
    // The name is that of the question, at byte 12.
    Buffer.concat([words(0xc00c, type, 1, 0, 60, data.length), data]),
  );
  return Buffer.concat([head, question.subarray(12), ...answers]);
}
