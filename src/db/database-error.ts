/** The database cannot be reached, or went away in the middle: nothing of the transaction is known to be written. Trying again later helps. */
export class DatabaseUnavailable extends Error {
  override readonly name = 'DatabaseUnavailable';

  constructor(cause: unknown) {
    super('the database cannot be reached', { cause });
  }
}

const socketCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
]);

// PostgreSQL 18, appendix A: class 08 connection exceptions; 57P01 to 57P03 shutdown, crash, start-up; 53300 no connection slot is free;
// 25P03 the server ended a transaction that sat idle.
const unavailableStates = /^(08...|57P0[1-3]|53300|25P03)$/;

// Prisma names the same things by its own codes: P1001 and P1002 not reached, P1017 closed, P2024 no connection from the pool in time.
const prismaUnavailable = new Set(['P1001', 'P1002', 'P1008', 'P1017', 'P2024']);

// The client library throws these without a code.
const unavailableTexts =
  /^(Connection terminated|Client has encountered a connection error|timeout exceeded when trying to connect|timeout expired)/;

/** The SQLSTATE of an error of the database, as the driver or Prisma throws it, or null where it is none. */
export function sqlStateOf(error: unknown): string | null {
  const state = codeOf(error);
  // EPIPE has five capitals too.
  if (state !== null && /^[0-9A-Z]{5}$/.test(state) && !/^P[12]\d{3}$/.test(state) && !socketCodes.has(state))
    return state;
  return driverStateOf(error);
}

/**
 * True where running the whole transaction again can help at once: 40001 serialization failure, 40P01 deadlock (P2034 in Prisma), a plan
 * that a migration has overtaken.
 */
export function isWorthRepeating(error: unknown): boolean {
  const state = sqlStateOf(error);
  return state === '40001' || state === '40P01' || codeOf(error) === 'P2034' || isStalePlan(error);
}

/** The connection keeps a plan whose result has other columns now; another connection has none, or a newer one. */
export function isStalePlan(error: unknown): boolean {
  return sqlStateOf(error) === '0A000' && error instanceof Error && error.message.startsWith('cached plan must not');
}

// PostgreSQL 18, appendix A: class 22 data exceptions; 23 constraints; 54 limits of the program (too many columns, too deep, too long).
const statesOfWhatIsWritten = /^(22|23|54)/;

/** True where the database, which is there and well, does not take what was to be written: it will not take it later either. */
export function refusesWhatIsWritten(error: unknown): boolean {
  return statesOfWhatIsWritten.test(sqlStateOf(error) ?? '');
}

/** The same error, or `DatabaseUnavailable` where it says that the database is not there. Only for what a transaction threw. */
export function namedDatabaseError(error: unknown): unknown {
  if (error instanceof DatabaseUnavailable) return error;
  return saysUnavailable(error) ? new DatabaseUnavailable(error) : error;
}

function saysUnavailable(error: unknown): boolean {
  const state = sqlStateOf(error);
  if (state !== null) return unavailableStates.test(state);
  const code = codeOf(error);
  if (code !== null) return socketCodes.has(code) || prismaUnavailable.has(code);
  return error instanceof Error && unavailableTexts.test(error.message);
}

function codeOf(error: unknown): string | null {
  if (typeof error !== 'object' || error === null || !('code' in error)) return null;
  return typeof error.code === 'string' ? error.code : null;
}

/** Prisma wraps what its driver adapter reports: `meta.driverAdapterError.cause.originalCode`. */
function driverStateOf(error: unknown): string | null {
  let at: unknown = error;
  for (const name of ['meta', 'driverAdapterError', 'cause', 'originalCode']) {
    if (typeof at !== 'object' || at === null) return null;
    at = Reflect.get(at, name);
  }
  return typeof at === 'string' ? at : null;
}
