import { readHtml } from '../parse/stored-parts';
import { answerJobs } from '../parse/thread-loop';
import type { HtmlJob } from '../parse/thread-messages';
import { sanitiseHtml } from './sanitise-html';

/* Makes HTML that may be shown, of one message after the other. */

answerJobs((asked) => {
  const { job, bytes, parts, ...options } = asked as HtmlJob;
  const html = readHtml(Buffer.from(bytes.buffer), parts);
  return { job, kind: 'html', html: html === null ? null : sanitiseHtml(html, options) };
});
