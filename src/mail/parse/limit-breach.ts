/** The limits that reading one message obeys; plain values out of the configuration. */
export interface ParseLimits {
  maxParts: number;
  maxDepth: number;
  maxHeaderBytes: number;
  maxAddresses: number;
  maxReferences: number;
  maxTextCharacters: number;
}

/** A message that is beyond a limit. It becomes an outcome in parse-message.ts and is seen nowhere else. */
export class LimitBreach extends Error {
  override readonly name = 'LimitBreach';

  constructor(
    readonly code: 'too-many-parts' | 'too-deep' | 'header-too-large' | 'too-many-addresses',
    readonly detail: Record<string, number>,
  ) {
    super(code);
  }
}
