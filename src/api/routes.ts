import type { Api, ApiContext } from './context';
import { connectorRoutes } from './connectors/routes';
import { activityNoteRoutes } from './activities/note-routes';
import { activityRoutes } from './activities/routes';
import { activityTypeRoutes } from './activities/type-routes';
import { auditRoutes } from './audit';
import { deletionRoutes } from './deletions/routes';
import { tenantRoutes } from './deletions/tenant-routes';
import { acceptRoutes } from './failures/accept';
import { replayRoutes } from './failures/replay';
import { replayJobRoutes } from './failures/replay-jobs';
import { failureRoutes } from './failures/routes';
import { findRoutes } from './find';
import { healthRoutes } from './health';
import { keyRoutes } from './keys';
import { applyVisibilityRoute } from './mailboxes/apply-visibility';
import { completenessRoutes } from './mailboxes/completeness';
import { ledgerRoutes } from './mailboxes/ledger';
import { removalRoutes } from './mailboxes/removals';
import { previewRoutes } from './mailboxes/preview';
import { eventRoutes } from './mailboxes/events';
import { handLinkRoutes } from './links/message-routes';
import { threadLinkRoutes } from './links/thread-routes';
import { lifecycleRoutes, mailboxDeletionRoute, mailboxReadRoutes, mailboxRoutes } from './mailboxes/routes';
import { breakGlassRoute } from './messages/break-glass';
import { messageLinksRoute } from './messages/links';
import { messageRoutes } from './messages/routes';
import { metricsRoutes } from './metrics';
import { noticeRoutes } from './notices/routes';
import { operationRoutes } from './operations';
import { ownDomainRoutes } from './own-domains';
import { personErasureRoutes, personExportRoutes } from './people/routes';
import { presetRoutes } from './presets/routes';
import { reconciliationRoutes } from './reconciliations';
import { reprocessRoutes } from './reprocess/routes';
import { mergeRoutes } from './merges/routes';
import { recordTypeRoutes } from './record-types/routes';
import { recordRoutes } from './records/routes';
import { teamRoutes } from './teams/routes';
import { threadVisibilityRoute } from './thread-visibility';
import { threadRoutes } from './threads';
import { timelineRoutes } from './timeline';
import { unassignedRoutes } from './unassigned/routes';
import { userRoutes } from './users/routes';

/** Each adds the routes of one thing, in the order of the document. */
export const allRoutes: ((api: Api, context: ApiContext) => void)[] = [
  presetRoutes,
  previewRoutes,
  mailboxRoutes,
  mailboxReadRoutes,
  lifecycleRoutes,
  applyVisibilityRoute,
  mailboxDeletionRoute,
  ledgerRoutes,
  completenessRoutes,
  removalRoutes,
  deletionRoutes,
  tenantRoutes,
  ownDomainRoutes,
  personErasureRoutes,
  personExportRoutes,
  eventRoutes,
  noticeRoutes,
  failureRoutes,
  replayRoutes,
  acceptRoutes,
  userRoutes,
  teamRoutes,
  recordTypeRoutes,
  recordRoutes,
  mergeRoutes,
  timelineRoutes,
  activityTypeRoutes,
  activityRoutes,
  activityNoteRoutes,
  messageRoutes,
  messageLinksRoute,
  unassignedRoutes,
  breakGlassRoute,
  threadRoutes,
  threadVisibilityRoute,
  threadLinkRoutes,
  handLinkRoutes,
  connectorRoutes,
  findRoutes,
  operationRoutes,
  replayJobRoutes,
  reprocessRoutes,
  reconciliationRoutes,
  auditRoutes,
  keyRoutes,
  healthRoutes,
  metricsRoutes,
];
