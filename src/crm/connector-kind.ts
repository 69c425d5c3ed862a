import type { z } from 'zod';

import type { Directory } from '../domain/directory';
import type { Reach } from './reach';

/** How a kind of CRM is set up and opened. A new kind is a folder that exports one of these, and its line in `connectors.ts`. */
export interface ConnectorKind {
  /** What a person sets, as it is stored; no secret in it. */
  settings: z.ZodType<Record<string, unknown>>;
  /** What is sealed. */
  secrets: z.ZodType<Record<string, unknown>>;
  /** How often records are fetched, whether links and activities are told, and where secrets are sent to. @throws where they cannot be read */
  habitsOf: (settings: unknown) => { pullEverySeconds: number; pushes: boolean; destination: string };
  /** Connects nothing yet. @throws CrmFailure where settings or secrets cannot be read */
  open: (stored: { settings: unknown; secrets: unknown; reach: Reach; nowMs: () => number }) => Directory;
}
