// The image's health check: the process answers on its own port.
const answer = await fetch(`http://127.0.0.1:${process.env.LETTERBOOK_PORT ?? 8080}/healthz`, {
  signal: AbortSignal.timeout(4_000),
}).catch(() => null);
process.exit(answer?.ok ? 0 : 1);
