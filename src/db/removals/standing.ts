/**
 * The placements `p` of a copy that keep it: the server shows them in a folder in scope, or showed them where nobody looks any more. What
 * is only in Trash or Junk counts as removed, unless the folder was named by a person and so is in scope (product promise B6).
 */
export const standingPlacements = (copyId: string) => `
  placement p JOIN folder_generation g ON g.id = p.gen_id JOIN folder f ON f.tenant_id = g.tenant_id AND f.id = g.folder_id
  WHERE p.copy_id = ${copyId} AND p.presence = 1 AND g.retired_at IS NULL AND (f.in_scope OR coalesce(f.role, '') NOT IN ('trash', 'junk'))`;
