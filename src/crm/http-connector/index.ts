import { z } from 'zod';

import { CrmFailure } from '../crm-failure';
import type { ConnectorKind } from '../connector-kind';
import { httpDirectory } from './http-directory';
import { httpSettings } from './settings';

const httpSecrets = z.strictObject({
  token: z
    .string()
    .min(1)
    .max(8_192)
    .regex(/^[\x20-\x7e]+$/, { error: 'has characters that no HTTP header can carry.' })
    .nullable()
    .default(null),
  signingSecret: z.string().min(16, { error: 'is too short: 16 characters or more.' }).max(1_024),
});

/** Any CRM that speaks JSON over HTTP. */
export const httpConnector: ConnectorKind = {
  settings: httpSettings,
  secrets: httpSecrets,
  habitsOf: (stored) => {
    const { pull, push, baseUrl } = httpSettings.parse(stored);
    return { pullEverySeconds: pull.everySeconds, pushes: push !== null, destination: new URL(baseUrl).origin };
  },
  open: ({ settings, secrets, reach, nowMs }) => {
    const read = httpSettings.safeParse(settings);
    const opened = httpSecrets.safeParse(secrets);
    if (!read.success || !opened.success) throw new CrmFailure('refused', 'open', { code: 'settings-unreadable' });
    return httpDirectory({ settings: read.data, secrets: opened.data, reach, nowMs });
  },
};
