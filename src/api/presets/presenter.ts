import { connectionsAtMost } from '../../domain/connection-slots';
import type { Discovery } from '../../domain/discovery';
import type { Language } from '../../domain/languages';
import type { ProviderPreset } from '../../domain/provider-presets';
import { usualIdleRenewalMs } from '../../domain/providers/preset';
import type { StepCode } from '../../domain/providers/step-codes';
import { stepsForFoundServer, stepsForUnknownServer, stepTexts } from '../../domain/providers/steps';
import type { KnownServerAnswer, PresetAnswer } from './schemas';

/** A preset as every answer shows it. */
export function presentPreset(preset: ProviderPreset, language: Language): PresetAnswer {
  const { provider, name, imap, smtp, sentCopies, login, connections, sources } = preset;
  return {
    ...{ provider, name, imap, smtp, sentCopies, login, language },
    limits: {
      connections: connections.limit,
      connectionsUsed: connections.use,
      idleRenewalSeconds: preset.idleRenewalMs / 1_000,
      dailyDownloadBytes: preset.dailyDownloadBytes,
    },
    steps: stepsIn(language, preset.steps),
    sources: [...sources],
  };
}

/** What is known for an address whose domain a preset names. */
export function presentKnown(preset: ProviderPreset, language: Language): KnownServerAnswer {
  return { ...presentPreset(preset, language), source: 'preset', confirmed: true };
}

/** What was found for an address, if anything. `connectionsPerAccount` is the limit for providers that are not known. */
export function presentFound(
  found: Discovery | null,
  { language, connectionsPerAccount }: { language: Language; connectionsPerAccount: number },
): KnownServerAnswer {
  if (found?.source === 'mx') {
    const shown = presentPreset(found.preset, language);
    return {
      ...shown,
      steps: [...stepsIn(language, ['confirm-server']), ...shown.steps],
      source: 'mx',
      confirmed: false,
    };
  }
  const steps = found === null ? stepsForUnknownServer : stepsForFoundServer;
  return {
    ...{ provider: 'other', name: null, imap: found?.imap ?? null, smtp: found?.smtp ?? null },
    ...{ sentCopies: 'unknown', login: 'unknown', language, steps: stepsIn(language, steps), sources: [] },
    limits: { ...unknownLimits, connectionsUsed: connectionsAtMost(connectionsPerAccount) },
    source: found?.source ?? 'none',
    confirmed: false,
  };
}

const unknownLimits = {
  connections: null,
  idleRenewalSeconds: usualIdleRenewalMs / 1_000,
  dailyDownloadBytes: null,
};

function stepsIn(language: Language, codes: readonly StepCode[]): PresetAnswer['steps'] {
  return codes.map((code) => ({ code, text: stepTexts[language][code] }));
}
