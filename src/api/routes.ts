import type { Api, ApiContext } from './context';
import { failureRoutes } from './failures';
import { findRoutes } from './find';
import { healthRoutes } from './health';
import { keyRoutes } from './keys';
import { completenessRoutes } from './mailboxes/completeness';
import { ledgerRoutes } from './mailboxes/ledger';
import { previewRoutes } from './mailboxes/preview';
import { lifecycleRoutes, mailboxReadRoutes, mailboxRoutes } from './mailboxes/routes';
import { messageRoutes } from './messages/routes';
import { metricsRoutes } from './metrics';
import { operationRoutes } from './operations';
import { presetRoutes } from './presets/routes';
import { recordRoutes } from './records/routes';
import { threadRoutes } from './threads';
import { timelineRoutes } from './timeline';
import { userRoutes } from './users/routes';

/** Each adds the routes of one thing, in the order of the document. */
export const allRoutes: ((api: Api, context: ApiContext) => void)[] = [
  presetRoutes,
  previewRoutes,
  mailboxRoutes,
  mailboxReadRoutes,
  lifecycleRoutes,
  ledgerRoutes,
  completenessRoutes,
  failureRoutes,
  userRoutes,
  recordRoutes,
  timelineRoutes,
  messageRoutes,
  threadRoutes,
  findRoutes,
  operationRoutes,
  keyRoutes,
  healthRoutes,
  metricsRoutes,
];
