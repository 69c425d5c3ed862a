import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

import { Client, Connection, type WorkflowHandle } from '@temporalio/client';

import { prepareEngine } from '../../src/engine/prepare-engine';

/** The address of the test run's Temporal server. */
export function temporalAddress(): string {
  const address = process.env['LETTERBOOK_TEST_TEMPORAL_ADDRESS'];
  if (address === undefined)
    throw new Error('LETTERBOOK_TEST_TEMPORAL_ADDRESS is not set: run the tests with `npm test`.');
  return address;
}

/** A namespace of its own, prepared as a boot of the product does, so that test files do not take each other's work. */
export async function createTestNamespace(): Promise<{ client: Client; namespace: string; close(): Promise<void> }> {
  const connection = await Connection.connect({ address: temporalAddress() });
  const namespace = `test-${randomBytes(5).toString('hex')}`;
  const client = new Client({ connection, namespace });
  await untilReady(() => prepareEngine(client));
  return { client, namespace, close: () => connection.close() };
}

/** The search attributes of a workflow by their names: what the Temporal UI finds it by. */
export async function attributesOf(handle: WorkflowHandle): Promise<Record<string, unknown>> {
  const { typedSearchAttributes } = await handle.describe();
  return Object.fromEntries(typedSearchAttributes.getAll().map(({ key, value }) => [key.name, value]));
}

/** A new namespace is known to all parts of the server only after a moment. */
async function untilReady(prepare: () => Promise<void>): Promise<void> {
  for (let tries = 0; ; tries += 1) {
    try {
      await prepare();
      return;
    } catch (error) {
      if (tries >= 100) throw error;
    }
    await sleep(200);
  }
}
