import type { Api, ApiContext } from './context';

/** Each adds the routes of one thing, in the order of the document. */
export const allRoutes: ((api: Api, context: ApiContext) => void)[] = [];
