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

/** Of such a reason, and of no other: whether people still say it of that thread ($1: the tenant). */
export function isSaidNow(alias: string): string {
  return `EXISTS (
    SELECT FROM thread_link said WHERE said.tenant_id = $1 AND said.id = split_part(${alias}.key, ':', 2)::uuid
      AND CASE said.state WHEN 'unlinked' THEN ${alias}.key LIKE 'unlinked:%' ELSE said.mode = 'follow' AND ${alias}.key LIKE 'follow:%' END OFFSET 0)`;
}
