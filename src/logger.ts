import type { Logger as TemporalLogger, LogLevel, LogMetadata } from '@temporalio/common';
import pino, { type DestinationStream, type Logger } from 'pino';

import type { Config } from './config/config';

// Names under which something secret or personal could come along by mistake, at the top or one level down.
const personal = [
  'password',
  'secret',
  'token',
  'authorization',
  'key',
  'address',
  'username',
  'subject',
  'text',
  'html',
  'path',
  'folder',
  'body',
  'raw',
];

/** The one way to log: lines of JSON, events about ids. Parts of the product get children of it. */
export function createLogger(config: Pick<Config, 'logLevel'>, destination?: DestinationStream): Logger {
  const options = {
    level: config.logLevel,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (level: string) => ({ level }) },
    redact: { paths: personal.flatMap((name) => [name, `*.${name}`]), censor: '[removed]' },
    serializers: { err: errorEvent, error: errorEvent },
  };
  return destination === undefined ? pino(options) : pino(options, destination);
}

/** Of an error only what cannot quote anybody: its class, its code and where it was thrown. Messages of libraries quote what they were given. */
function errorEvent(error: unknown): { type: string; code?: unknown; at?: string[] } {
  if (!(error instanceof Error)) return { type: typeof error };
  const at = (error.stack ?? '')
    .split('\n')
    .filter((line) => line.startsWith('    at '))
    .slice(0, 8)
    .map((line) => line.trim());
  return { type: error.name, ...('code' in error ? { code: error.code } : {}), at };
}

const levelOf: Record<LogLevel, 'trace' | 'debug' | 'info' | 'warn' | 'error'> = {
  TRACE: 'trace',
  DEBUG: 'debug',
  INFO: 'info',
  WARN: 'warn',
  ERROR: 'error',
};

/** Temporal's worker logs through ours; its lines carry workflow and activity ids. */
export function temporalLoggerOf(log: Logger): TemporalLogger {
  const child = log.child({ part: 'temporal' });
  const write = (level: LogLevel, message: string, metadata?: LogMetadata) => {
    child[levelOf[level]](eventOf(metadata), message);
  };
  return {
    log: write,
    trace: (message, metadata) => {
      write('TRACE', message, metadata);
    },
    debug: (message, metadata) => {
      write('DEBUG', message, metadata);
    },
    info: (message, metadata) => {
      write('INFO', message, metadata);
    },
    warn: (message, metadata) => {
      write('WARN', message, metadata);
    },
    error: (message, metadata) => {
      write('ERROR', message, metadata);
    },
  };
}

function eventOf(metadata: LogMetadata | undefined): object {
  if (metadata === undefined) return {};
  // `sdkComponent` and the like are strings; symbols that the SDK adds are its own.
  return Object.fromEntries(Object.entries(metadata));
}
