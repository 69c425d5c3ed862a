import { sharedDovecot, startDovecot } from './dovecot';

/** What holds on a server that can do all holds on one that can do little: tests of both run over these. */
export const imapProfiles = ['usual', 'poor'] as const;

export interface ServerOfProfile {
  imapPort: number;
  release: () => Promise<void>;
}

/** A server of a profile. The usual one is shared by all tests of a run, and goes on after `release`. */
export async function serverOf(profile: (typeof imapProfiles)[number]): Promise<ServerOfProfile> {
  if (profile === 'usual') return { imapPort: sharedDovecot().imapPort, release: () => Promise.resolve() };
  const { imapPort, stop } = await startDovecot({ profile });
  return { imapPort, release: stop };
}
