import { setCurrentDetails, setHandler } from '@temporalio/workflow';

import { saidOf, type StopReport } from '../domain/stop';
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
  let said = '';
  while (wished.again) {
    wished.again = false;
    const outcome = await stopForCertain(input, (doing) => {
      setCurrentDetails(`**${doing}**`);
    });
    said = outcome.kind === 'stopped' ? sentence(outcome.report) : 'it is wished to go on by now; left to run';
  }
  setCurrentDetails(`**${said}**`);
  return said;
}

function sentence(report: StopReport): string {
  return `stopped: ${saidOf(report)}`;
}
