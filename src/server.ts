import { buildApp } from './api/app';
import { readConfig } from './config/config';
import { createLogger } from './logger';
import { createServerContext } from './server-context';

const drainTimeoutMs = 10_000;

/**
 * The API process. It ends when it is told to (SIGTERM, SIGINT): it takes no new requests, lets those that run end, then closes what it
 * has open. A request that does not end in time is cut.
 */
async function main(): Promise<void> {
  const config = readConfig(process.env);
  const log = createLogger(config).child({ process: 'server' });
  const context = createServerContext(config, log);
  const api = buildApp(context);

  const address = await api.listen({ host: config.httpHost, port: config.httpPort });
  log.info({ listening: address }, 'server listens');

  await toldToEnd();
  const cut = setTimeout(() => {
    api.server.closeAllConnections();
  }, drainTimeoutMs);
  await api.close();
  clearTimeout(cut);
  await context.close();
  log.info('server has ended');
}

function toldToEnd(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.once(signal, () => {
        resolve();
      });
    }
  });
}

main().catch((error: unknown) => {
  process.stderr.write(`The server has ended: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
});
