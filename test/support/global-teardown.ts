import './test-servers';

/** Ends what `global-setup` started. */
async function globalTeardown(): Promise<void> {
  await globalThis.letterbookTestServers?.stop();
}

// jest wants the function itself.
export = globalTeardown;
