import type { FastifyRequest } from 'fastify';
import type { z } from 'zod';

import {
  countConnectors,
  insertConnector,
  readConnector,
  updateConnector,
  type ConnectorValues,
  type StoredConnector,
} from '../../db/connectors/connectors';
import { insertAudit } from '../../db/mailbox-write';
import type { Sql } from '../../db/database';
import { lockTenantForWriting } from '../../db/tenant-lock';
import { publicId } from '../../domain/ids';
import type { ApiContext } from '../context';
import { requireMatch } from '../precondition';
import { Problem } from '../problem';
import { conflict, forbidden, invalidField, notFound } from '../problems';
import { validatorCompiler } from '../validation';
import { actorOf, type Viewer } from '../viewer';
import { etagOfConnector, type connectorChangeSchema, type newConnectorSchema } from './schemas';

type NewConnector = z.output<typeof newConnectorSchema>;
type ConnectorChange = z.output<typeof connectorChangeSchema>;

/** Connectors hold what opens a CRM: they are the tenant's, and its admins'. @throws Problem 403 */
export function requireAdmin(viewer: Viewer): void {
  if (viewer.userId === null || viewer.role === 'admin') return;
  throw forbidden('Only an admin can see and change connectors.');
}

/** Makes a connector, which begins at once. @throws Problem 400, 403, 409 where there are too many */
export async function addConnector(context: ApiContext, viewer: Viewer, body: NewConnector): Promise<StoredConnector> {
  const { tenantId } = viewer;
  const values = { kind: body.kind, ...checked(context, body) };
  return context.db.inTenant(tenantId, async (sql) => {
    await lockTenantForWriting(sql, tenantId);
    if ((await countConnectors(sql, tenantId)) >= context.limits.connectorsPerTenant) {
      throw conflict(
        'too-many-connectors',
        `There are ${String(context.limits.connectorsPerTenant)} connectors already. Delete one that is not needed.`,
      );
    }
    const made = await insertConnector(sql, tenantId, values);
    await auditConnector(sql, viewer, { action: 'connector created', id: made.id });
    return made;
  });
}

/** Changes a connector; what it was doing under the old settings is written no more. @throws Problem 400, 404, 412 */
export async function changeConnector(
  context: ApiContext,
  request: FastifyRequest,
  { id, change }: { id: string; change: ConnectorChange },
): Promise<StoredConnector> {
  const { viewer } = request;
  const { tenantId } = viewer;
  return context.db.inTenant(tenantId, async (sql) => {
    await lockTenantForWriting(sql, tenantId);
    const stored = await readConnector(sql, tenantId, id);
    if (stored === null) throw notFound();
    requireMatch(request, etagOfConnector(stored));
    const values = changedValues(context, stored, change);
    const written = await updateConnector(sql, tenantId, { id, values, cursor: change.cursor ?? 'keep' });
    await auditConnector(sql, viewer, { action: 'connector changed', id });
    return written;
  });
}

function changedValues(context: ApiContext, stored: StoredConnector, change: ConnectorChange): ConnectorValues {
  const { kind } = stored;
  const settings =
    change.settings === undefined
      ? stored.settings
      : readPart(context, { kind, part: 'settings', given: change.settings });
  const secret =
    change.secrets === undefined
      ? stored.secret
      : context.secretBox.seal(JSON.stringify(readPart(context, { kind, part: 'secrets', given: change.secrets })));
  const { pushes, destination } = kindOf(context, kind).habitsOf(settings);
  // Else whoever may change the settings could have the token sent to themselves.
  if (change.secrets === undefined && destination !== kindOf(context, kind).habitsOf(stored.settings).destination) {
    throw invalidField('secrets', 'are missing, and the CRM is another one.', 'Give them with the new address.');
  }
  return { name: change.name ?? stored.name, settings: settings as Record<string, unknown>, secret, pushes };
}

/** What is given for a connector, in the form in which it is stored. @throws Problem 400 */
export function checked(context: ApiContext, body: NewConnector): ConnectorValues {
  const { kind, name } = body;
  const settings = readPart(context, { kind, part: 'settings', given: body.settings });
  const secrets = readPart(context, { kind, part: 'secrets', given: body.secrets });
  const secret = context.secretBox.seal(JSON.stringify(secrets));
  return { name, settings, secret, pushes: kindOf(context, kind).habitsOf(settings).pushes };
}

function kindOf({ crm }: ApiContext, kind: string) {
  const known = Object.hasOwn(crm.kinds, kind) ? crm.kinds[kind] : undefined;
  if (known !== undefined) return known;
  throw invalidField('kind', 'is no kind of connector.', `One of: ${Object.keys(crm.kinds).join(', ')}.`);
}

/** One of the two parts that are the kind's own, checked by its schema; its field problems are named with the part before them. */
function readPart(
  context: ApiContext,
  { kind, part, given }: { kind: string; part: 'settings' | 'secrets'; given: Record<string, unknown> },
): Record<string, unknown> {
  const validate = validatorCompiler({
    schema: kindOf(context, kind)[part],
    method: 'POST',
    url: '/v1/connectors',
    httpPart: 'body',
  });
  const read = validate(given) as { value?: Record<string, unknown>; error?: unknown };
  if (read.value !== undefined) return read.value;
  const errors = read.error instanceof Problem ? (read.error.extension.errors ?? []) : [];
  const [first] = errors;
  if (first === undefined) throw invalidField(part, 'cannot be read.', 'docs/connectors.md says what it holds.');
  const detail = errors.map(({ field, reason, remedy }) => `${part}.${field}: ${reason} ${remedy}`).join(' ');
  throw new Problem(
    { status: 400, slug: 'invalid-request', title: 'The request has errors', detail },
    { errors: errors.map((error) => ({ ...error, field: `${part}.${error.field}` })) },
  );
}

/** Notes who did what to which connector. */
export function auditConnector(sql: Sql, viewer: Viewer, what: { action: string; id: string }): Promise<void> {
  const ids = { connectorId: publicId('connector', what.id) };
  return insertAudit(sql, viewer.tenantId, { actor: actorOf(viewer), action: what.action, ids });
}
