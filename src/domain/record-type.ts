/** The types of records that every tenant has. */
export const builtInRecordTypes = [
  'contact',
  'company',
  'lead',
  'opportunity',
  'project',
  'ticket',
  'task',
  'comment',
  'intermediary',
] as const;

/** Whether every tenant has a type of this name. */
export function isBuiltInRecordType(type: string): boolean {
  return (builtInRecordTypes as readonly string[]).includes(type);
}
