/**
 * Regular expressions of Postgres that find these addresses in a text in lower case, and none that only ends or begins like one:
 * `anna@x.example` is not in `joanna@x.example` nor in `anna@x.example.org`.
 */
export function addressPatterns(addressKeys: string[]): string[] {
  return addressKeys.map((key) => {
    const escaped = key.replace(/[^\p{L}\p{N}@_-]/gu, (character) => `\\${character}`);
    return `(^|[^[:alnum:]._%+'-])${escaped}($|[^[:alnum:].-]|\\.($|[^[:alnum:]]))`;
  });
}
