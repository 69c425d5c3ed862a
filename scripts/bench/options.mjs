// @ts-check
// Measures the product beside what others do: `npm run bench [-- import|sweep|push|fleet|delete|rematch|threads|records|reconcile] [options]`, all of them where none is named.
//   --json FILE         writes all numbers
//   --workers one|split split: history in a worker of its own, as in `npm start` (push and fleet); one: a worker does all (the others)
//   --cpu-profile DIR   the workers write CPU profiles there
// import
//   --messages N        size of the mailbox (10,000)
//   --runs N            how often each is measured, in turns (3)
// delete
//   --messages N        size of the mailbox that is deleted (10,000), without bytes and with 22 kB each
// rematch
//   --messages N        messages that are there before their customers are (10,000; the aim is for 100,000)
// threads
//   --messages N        of each of two threads that become one (10,000; the aim is for 100,000)
// records
//   --records N         that are uploaded, with addresses (100,000)
// reconcile
//   --compared N        mailboxes that are compared with their workflows (10,000)
// timeline
//   --history N         messages that are generated (1,000,000), a twentieth as many records, one of which has a quarter of them
//   --pages N           that are read (2,000)
// push
//   --deliveries N      of each case with single deliveries (200)
//   --mailboxes N       quiet mailboxes (200)
//   --burst N           messages of the burst (500)
//   --import N          size of the mailbox that two tenants import meanwhile, and one deletes (5,000; the aim is for 50,000)
//   --restarts N        of the worker (4)
//   --cases a,b         of quiet, busy, burst, import, delete, both, restart (all)
// fleet
//   --size N            mailboxes (300; the aim is for 2,000)
//   --rate N            arrivals a second (20)
//   --minutes N         for so long (1; the aim is for 5)
//   --idle-seconds N    how long idleness is watched (60)
import { parseArgs } from 'node:util';

import { pushCases } from './push.mjs';

/** What was asked for on the command line. */
export const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    messages: { type: 'string', default: '10000' },
    runs: { type: 'string', default: '3' },
    json: { type: 'string' },
    'cpu-profile': { type: 'string' },
    workers: { type: 'string' },
    deliveries: { type: 'string', default: '200' },
    mailboxes: { type: 'string', default: '200' },
    burst: { type: 'string', default: '500' },
    import: { type: 'string', default: '5000' },
    restarts: { type: 'string', default: '4' },
    cases: { type: 'string', default: pushCases.join(',') },
    compared: { type: 'string', default: '10000' },
    records: { type: 'string', default: '100000' },
    history: { type: 'string', default: '1000000' },
    pages: { type: 'string', default: '2000' },
    size: { type: 'string', default: '300' },
    rate: { type: 'string', default: '20' },
    minutes: { type: 'string', default: '1' },
    'idle-seconds': { type: 'string', default: '60' },
  },
});
