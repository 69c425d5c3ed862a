import type { ConnectorKind } from './connector-kind';
import { httpConnector } from './http-connector';

/** All kinds of CRM, by the name that a connector says. */
export const connectorKinds: Readonly<Record<string, ConnectorKind>> = {
  http: httpConnector,
};
