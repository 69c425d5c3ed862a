import { connectorKinds } from '../crm/connectors';
import { CrmFailure } from '../crm/crm-failure';
import type { Reach } from '../crm/reach';
import { SecretBoxError, type SealedSecret, type SecretBox } from '../db/secret-box';
import type { Directory } from '../domain/directory';

/** A connector with its secret still sealed. */
export interface SealedConnector {
  kind: string;
  settings: unknown;
  secret: SealedSecret;
}

/** What a connector is opened with. */
interface Opening {
  secretBox: SecretBox;
  reach: Reach;
}

/** Opens a connector; nothing is connected yet. @throws CrmFailure where its secret or settings cannot be read */
export function openDirectory({ secretBox, reach }: Opening, connector: SealedConnector): Directory {
  const { kind, settings, secret } = connector;
  return kindOf(kind).open({ settings, secrets: secretsOf(secretBox, secret), reach, nowMs: Date.now });
}

/** How often records are fetched. @throws CrmFailure where the settings cannot be read */
export function connectorHabits({ kind, settings }: { kind: string; settings: unknown }): { pullEverySeconds: number } {
  return kindOf(kind).habitsOf(settings);
}

function kindOf(kind: string) {
  const known = connectorKinds[kind];
  if (known === undefined) throw new CrmFailure('refused', 'open', { code: 'settings-unreadable' });
  return known;
}

function secretsOf(secretBox: SecretBox, secret: SealedSecret): unknown {
  try {
    return JSON.parse(secretBox.open(secret)) as unknown;
  } catch (cause) {
    if (!(cause instanceof SecretBoxError)) throw cause;
    throw new CrmFailure('refused', 'open', { code: 'secret-unreadable', cause });
  }
}
