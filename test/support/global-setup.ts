import { importScript } from './import-script';
import type { TestServersScript } from './test-servers';

/** Starts what the environment does not name, and tells the tests through the environment where it is. */
async function globalSetup(): Promise<void> {
  const { startTestServers } = await importScript<TestServersScript>('scripts/lib/test-servers.mjs');
  globalThis.letterbookTestServers = await startTestServers({ env: process.env });
  Object.assign(process.env, globalThis.letterbookTestServers.env);
}

// jest wants the function itself.
export = globalSetup;
