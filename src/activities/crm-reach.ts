import type { Reach } from '../crm/reach';
import { MailFailure } from '../domain/failure';
import { resolveHost } from '../mail/host-rules';

interface ReachOptions {
  limits: { crmTimeoutMs: number; crmAnswerBytes: number };
  /** Networks that are not public, and yet may be connected to. */
  allowedNetworks: readonly string[];
}

/** How CRMs are reached: by the rules that hold for mail servers, and in clear within allowed networks alone. */
export function crmReachOf({ limits, allowedNetworks }: ReachOptions): Reach {
  return {
    timeoutMs: limits.crmTimeoutMs,
    maxAnswerBytes: limits.crmAnswerBytes,
    resolve: async (host, way) => {
      const addresses = await resolveHost(host, { allowedNetworks });
      if (way === 'clear' && (await Promise.all(addresses.map(isPublic))).includes(true)) {
        throw new MailFailure('refused', 'connect', { code: 'tls-needed' });
      }
      return addresses;
    },
  };
}

async function isPublic({ address }: { address: string }): Promise<boolean> {
  try {
    await resolveHost(address, { allowedNetworks: [] });
    return true;
  } catch (error) {
    if (error instanceof MailFailure && error.kind === 'refused') return false;
    throw error;
  }
}
