import { importScript } from '../support/import-script';

interface DebianPackages {
  librariesOf: (plan: string) => string[];
}

test('of the packages that apt would install only libraries are unpacked: programs and set-up scripts would never run', async () => {
  const { librariesOf } = await importScript<DebianPackages>('scripts/lib/debian-packages.mjs');
  const plan = [
    'The following NEW packages will be installed:',
    "'http://deb.example/u/ucf/ucf_3.0043_all.deb' ucf_3.0043_all.deb 74000 SHA256:aa",
    "'http://deb.example/t/tcp-wrappers/libwrap0_7.6.q-32_amd64.deb' libwrap0_7.6.q-32_amd64.deb 54936 SHA256:bb",
    "'http://deb.example/l/libexttextcat/libexttextcat-2.0-0_3.4_amd64.deb' libexttextcat-2.0-0_3.4_amd64.deb 15948 MD5Sum:cc",
    "'http://deb.example/d/dovecot/dovecot-core_2.3_amd64.deb' dovecot-core_1%3a2.3_amd64.deb 4495456 ",
  ].join('\n');
  expect(librariesOf(plan)).toEqual(['libwrap0', 'libexttextcat-2.0-0']);
});
