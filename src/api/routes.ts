import type { Api, ApiContext } from './context';
import { lifecycleRoutes, mailboxRoutes } from './mailboxes/routes';
import { operationRoutes } from './operations';

/** Each adds the routes of one thing, in the order of the document. */
export const allRoutes: ((api: Api, context: ApiContext) => void)[] = [mailboxRoutes, lifecycleRoutes, operationRoutes];
