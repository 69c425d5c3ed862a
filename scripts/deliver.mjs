// @ts-check
// Delivers a new mail to the demo mailbox of the Letterbook that `npm start` runs, and waits until it stands in the customer's timeline:
// `npm run deliver`, in a second terminal.
import { runningDemo } from './lib/running-demo.mjs';
import { homeDir } from './lib/places.mjs';
import { SetupError } from './lib/setup-error.mjs';
import { Terminal } from './lib/terminal.mjs';

const patienceMs = 60_000;
const terminal = new Terminal();

try {
  await main();
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  terminal.line(`No mail was shown to arrive: ${error.message}`);
  process.exitCode = 1;
}

async function main() {
  const demo = await runningDemo(homeDir(process.env));
  // Their libraries are there once something runs.
  const { apiOf } = await import('./demo/api.mjs');
  const { demoAddress } = await import('./demo/company.mjs');
  const { handOver, newestLines, newLetter, untilInTimeline, watchedRecord } = await import('./demo/arrival.mjs');
  const api = apiOf(demo);
  const record = await watchedRecord(api);
  if (record === null) throw new SetupError('The records of the demo are gone.', 'Begin anew: npm start -- --reset');
  const letter = await newLetter(new Date());
  terminal.line(`  ${letter.from.name} <${letter.from.address}> writes to ${demoAddress}:`);
  terminal.line(`  "${letter.subject}"\n`);
  const deliveredAt = await terminal.step('The mail server has it', () => handOver(demo.lmtp, letter));
  const seenAt = await terminal.step(`In the timeline of ${record.name}`, () =>
    untilInTimeline(api, { recordId: record.id, subject: letter.subject, timeoutMs: patienceMs }),
  );
  terminal.line('');
  const width = process.stdout.isTTY ? Math.max(60, Math.min(process.stdout.columns, 110)) : 110;
  for (const line of await newestLines(api, record.id, width - 2)) terminal.line(line);
  terminal.line(
    `\n  ${((seenAt - deliveredAt) / 1_000).toFixed(2)} seconds from the mail server's 250 to the timeline.`,
  );
}
