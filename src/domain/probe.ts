import type { ConnectCode } from './failure';

/** What trying a connection found out. `folders` is the number of folders that hold messages. `detail` is for an operator: no address, no password, no words of the server. */
export type ProbeAnswer =
  | { ok: true; provider: string | null; abilities: string[]; folders: number }
  | { ok: false; code: ConnectCode; detail: string };
