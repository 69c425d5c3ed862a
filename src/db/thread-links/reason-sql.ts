/** Pieces of the statements that pass reasons on; `alias` is a row of `link_reason`. */

/** What only Bcc or a delivery header says is nobody's business, and no reason for anything else. */
function isOpen(alias: string): string {
  return `NOT (${alias}.kind IN ('address', 'rule') AND (${alias}.key LIKE 'bcc:%' OR ${alias}.key LIKE 'delivered-to:%'))`;
}

/** A reason of the message's own, or by what it answers. What a person did to a whole thread is none. */
export function isItsOwn(alias: string): string {
  return `(${isOpen(alias)} AND (${alias}.kind IN ('address', 'rule') OR ${alias}.key = 'by-hand' OR ${alias}.key LIKE 'reply:%'))`;
}

/** A reason by no person. */
export function isAutomatic(alias: string): string {
  return `(${alias}.kind IN ('address', 'rule') OR ${alias}.key LIKE 'reply:%')`;
}

/** What a person did to a thread, and holds for those who answer in it. */
export function isOfConversation(alias: string): string {
  return `(${alias}.key LIKE 'follow:%' OR ${alias}.key LIKE 'unlinked:%')`;
}
