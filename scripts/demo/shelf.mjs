// @ts-check
import { dayMs } from './working-days.mjs';

/** Where Mara keeps incoming mail: what is older than nine months is in the archive. @param {Date} date @param {Date} end @returns {import('./letter.mjs').Folder} */
export function shelf(date, end) {
  return end.getTime() - date.getTime() > 270 * dayMs ? 'Archive' : 'INBOX';
}
