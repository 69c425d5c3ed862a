import { resolveHost, tlsNameOf, type HostRules } from '../../src/mail/host-rules';

const nowhere: HostRules = { allowedNetworks: [], lookup: () => Promise.reject(new Error('no lookup expected')) };
const answering = (...addresses: string[]): HostRules => ({
  allowedNetworks: [],
  lookup: () => Promise.resolve(addresses.map((address) => ({ address }))),
});
const refused = { kind: 'refused', operation: 'connect', code: 'host-not-allowed' };

test('a public name gives its addresses, IPv4 first', async () => {
  await expect(resolveHost('imap.example.org', answering('2a00:1450::1', '142.250.1.1'))).resolves.toEqual([
    { address: '142.250.1.1', family: 4 },
    { address: '2a00:1450::1', family: 6 },
  ]);
});

test.each([
  ['loopback', '127.0.0.1'],
  ['loopback', '127.255.255.254'],
  ['loopback', '::1'],
  ['unspecified', '0.0.0.0'],
  ['this network', '0.1.2.3'],
  ['unspecified', '::'],
  ['private', '10.0.0.1'],
  ['private', '172.16.0.1'],
  ['private', '192.168.1.1'],
  ['unique local', 'fd00::1'],
  ['link-local', '169.254.1.1'],
  ['link-local', 'fe80::1'],
  ['link-local with a zone', 'fe80::1%eth0'],
  ['site-local', 'fec0::1'],
  ['carrier NAT', '100.64.0.1'],
  ['multicast', '224.0.0.1'],
  ['multicast', 'ff02::1'],
  ['broadcast', '255.255.255.255'],
  ['reserved', '240.0.0.1'],
  ['documentation', '192.0.2.1'],
  ['documentation', '2001:db8::1'],
  ['benchmarking', '198.18.0.1'],
  ['metadata', '169.254.169.254'],
  ['metadata', 'fd00:ec2::254'],
  ['metadata', '100.100.100.200'],
  ['metadata', '168.63.129.16'],
  ['IPv6-mapped', '::ffff:127.0.0.1'],
  ['IPv6-mapped', '::ffff:a9fe:a9fe'],
  ['IPv4-compatible', '::127.0.0.1'],
  ['NAT64', '64:ff9b::10.0.0.1'],
  ['local NAT64', '64:ff9b:1::8.8.8.8'],
  ['6to4', '2002:7f00:1::'],
  ['6to4', '2002:c0a8:101::'],
  ['Teredo', '2001:0:4136:e378:8000:63bf:3fff:fdd2'],
])('%s %s is refused, typed and as an answer', async (_what, address) => {
  await expect(resolveHost(address, nowhere)).rejects.toMatchObject(refused);
  await expect(resolveHost('imap.example.org', answering(address))).rejects.toMatchObject(refused);
});

test.each([
  '127.1',
  '0x7f.1',
  '0x7f000001',
  '2130706433',
  '017700000001',
  '0177.0.0.1',
  '[::1]',
  '127.0.0.1.',
  ' 127.0.0.1 ',
])('loopback written as "%s" is refused without asking the resolver', async (host) => {
  await expect(resolveHost(host, nowhere)).rejects.toMatchObject(refused);
});

test('one private answer among public ones refuses the host', async () => {
  const rules = answering('142.250.1.1', '10.0.0.1');
  await expect(resolveHost('imap.example.org', rules)).rejects.toMatchObject(refused);
});

test('the resolver is asked once, so that an answer that changes is never seen', async () => {
  const answers = [['142.250.1.1'], ['127.0.0.1']];
  let asked = 0;
  const lookup = () => Promise.resolve((answers[asked++] ?? []).map((address) => ({ address })));
  const [first] = await resolveHost('imap.example.org', { allowedNetworks: [], lookup });
  expect(first.address).toBe('142.250.1.1');
  expect(asked).toBe(1);
});

test('public addresses inside NAT64 and 6to4 may be connected to', async () => {
  await expect(resolveHost('64:ff9b::8.8.8.8', nowhere)).resolves.toMatchObject([{ family: 6 }]);
  await expect(resolveHost('2002:808:808::1', nowhere)).resolves.toMatchObject([{ family: 6 }]);
});

test('an allowed network is allowed, and nothing beside it', async () => {
  const rules = { ...nowhere, allowedNetworks: ['127.0.0.0/8', 'fd12::/16', '10.9.9.9'] };
  await expect(resolveHost('127.0.0.1', rules)).resolves.toEqual([{ address: '127.0.0.1', family: 4 }]);
  await expect(resolveHost('0x7f.1', rules)).resolves.toEqual([{ address: '127.0.0.1', family: 4 }]);
  await expect(resolveHost('::ffff:127.0.0.1', rules)).resolves.toEqual([{ address: '127.0.0.1', family: 4 }]);
  await expect(resolveHost('fd12::1', rules)).resolves.toMatchObject([{ family: 6 }]);
  await expect(resolveHost('10.9.9.9', rules)).resolves.toMatchObject([{ family: 4 }]);
  await expect(resolveHost('::1', rules)).rejects.toMatchObject(refused);
  await expect(resolveHost('10.0.0.1', rules)).rejects.toMatchObject(refused);
});

test('a name that does not exist is named so', async () => {
  const missing = {
    allowedNetworks: [],
    lookup: () => Promise.reject(Object.assign(new Error('x'), { code: 'ENOTFOUND' })),
  };
  const notFound = { kind: 'unreachable', code: 'host-not-found' };
  await expect(resolveHost('nobody.example.org', missing)).rejects.toMatchObject(notFound);
  await expect(resolveHost('nobody.example.org', answering())).rejects.toMatchObject(notFound);
  await expect(resolveHost('not a name', nowhere)).rejects.toMatchObject(notFound);
  await expect(resolveHost('', nowhere)).rejects.toMatchObject(notFound);
});

test('the certificate must carry the name as it was typed, in A-labels; an address has no name', () => {
  expect(tlsNameOf('imap.example.org')).toBe('imap.example.org');
  expect(tlsNameOf('imap.example.org.')).toBe('imap.example.org');
  expect(tlsNameOf('imap.müller.example')).toBe('imap.xn--mller-kva.example');
  expect(tlsNameOf('127.0.0.1')).toBeNull();
  expect(tlsNameOf('[::1]')).toBeNull();
});
