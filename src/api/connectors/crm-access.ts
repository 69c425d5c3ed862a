import type { z } from 'zod';

import type { SealedSecret } from '../../db/secret-box';
import type { Directory } from '../../domain/directory';

/** A kind of connector, as the API checks what is given for it. */
interface KnownKind {
  settings: z.ZodType<Record<string, unknown>>;
  secrets: z.ZodType<Record<string, unknown>>;
  habitsOf: (settings: unknown) => { pushes: boolean; destination: string };
}

/** A CRM that could not be asked; `src/crm` throws it. */
export interface CrmRefusal {
  code: string;
  status: number | null;
}

/** What the API needs of connectors, handed to it by `src/server-context.ts`. */
export interface CrmAccess {
  kinds: Readonly<Record<string, KnownKind>>;
  /** Opens a connector; nothing is connected yet. */
  open: (connector: { kind: string; settings: unknown; secret: SealedSecret }) => Directory;
  /** Why a call of a directory failed; null where that was no fault of the CRM, or of its settings. */
  refusalOf: (error: unknown) => CrmRefusal | null;
}
