import { z } from 'zod';

/** The name of a type of record, as it stands in requests. */
export const recordTypeField = z
  .string()
  .regex(/^[a-z][a-z0-9-]{1,39}$/, {
    error: 'is not a type of record: 2 to 40 small letters, digits and hyphens, beginning with a letter.',
  })
  .describe('contact, company, lead, opportunity, project, ticket, task, comment, intermediary, or a type of your own');
