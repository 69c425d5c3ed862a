import { setCurrentDetails, setHandler } from '@temporalio/workflow';

import { isNothing, saidOf, type StopReport } from '../domain/stop';
import type { MailboxRef } from './contract';
import { wishSignal } from './mailbox-messages';
import { stopForCertain } from './stop-for-certain';

/** Stops a mailbox for certain; its operation says how. A stop that is wished while it runs is carried out by it too. */
export async function stopMailbox(input: MailboxRef): Promise<string> {
  const wished = { again: true };
  setHandler(
    wishSignal,
    () => {
      wished.again = true;
    },
    { description: 'It was wished once more' },
  );
  let report: StopReport | null = null;
  while (wished.again) {
    wished.again = false;
    const outcome = await stopForCertain(input, (doing) => {
      setCurrentDetails(`**${doing}**`);
    });
    report = outcome.kind === 'stopped' ? newestOf(report, outcome.report) : null;
  }
  const said = report === null ? 'it is wished to go on by now; left to run' : `stopped: ${saidOf(report)}`;
  setCurrentDetails(`**${said}**`);
  return said;
}

/** What a stop that was wished once more says: what it ended, also where the second look found nothing left. */
function newestOf(earlier: StopReport | null, report: StopReport): StopReport {
  return earlier !== null && isNothing(report.inFlight) ? earlier : report;
}
