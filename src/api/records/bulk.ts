import type { Readable } from 'node:stream';

import type { z } from 'zod';

import type { Sql } from '../../db/database';
import { insertAudit } from '../../db/mailbox-write';
import { upsertRecords, type BulkLine } from '../../db/records-bulk';
import { addToRematch, queueRematch, type QueuedRematch } from '../../db/records-rematch';
import { lockTenantForWriting } from '../../db/tenant-lock';
import { publicId } from '../../domain/ids';
import type { ApiContext } from '../context';
import { Problem, type FieldProblem } from '../problem';
import { validatorCompiler } from '../validation';
import { actorOf, type Viewer } from '../viewer';
import { carryOutRematch } from './carry-out-rematch';
import { ndjsonLines, type NdjsonLine } from './ndjson';
import { fieldProblemOf } from './refusals';
import { bulkLineSchema, type bulkAnswerSchema } from './schemas';

type BulkAnswer = z.output<typeof bulkAnswerSchema>;

const linesPerTransaction = 500;
const maxLineBytes = 1_048_576;
const maxRefusedShown = 10_000;
// The addresses of a job stand in one row, which is written anew by each transaction: after so many of them the next ones go to another job.
const maxTransactionsPerJob = 100;

/** What an upload has come to so far. */
interface Upload {
  context: ApiContext;
  viewer: Viewer;
  answer: BulkAnswer;
  /** Written in the transaction of the first changed address with mail, so that a crash forgets none. */
  job: QueuedRematch | null;
  transactions: number;
}

/**
 * Writes records from the lines of a body while they arrive, a few hundred in a transaction. Bad lines are told and left out; good ones
 * are written whatever comes after them. The mail of all changed addresses is linked anew at the end.
 * @throws Problem 413 where the body is too large; what came before is written
 */
export async function uploadRecords(context: ApiContext, viewer: Viewer, body: Readable): Promise<BulkAnswer> {
  const answer: BulkAnswer = { written: 0, created: 0, updated: 0, refusedCount: 0, refused: [], operationId: null };
  const upload: Upload = { context, viewer, answer, job: null, transactions: 0 };
  try {
    let lines: BulkLine[] = [];
    for await (const line of ndjsonLines(body, { maxBytes: context.limits.maxNdjsonBytes, maxLineBytes })) {
      const read = readLine(line);
      if (read.kind === 'refused') refuse(upload, line.line, read.errors);
      else lines.push(read.line);
      if (lines.length < linesPerTransaction) continue;
      await writeLines(upload, lines);
      lines = [];
    }
    await writeLines(upload, lines);
  } finally {
    await closeJob(upload);
  }
  await noteUpload(context, viewer);
  answer.refused.sort((one, other) => one.line - other.line);
  return answer;
}

function noteUpload({ db }: ApiContext, viewer: Viewer): Promise<void> {
  const entry = { actor: actorOf(viewer), action: 'records uploaded', ids: {} };
  return db.inTenant(viewer.tenantId, (sql) => insertAudit(sql, viewer.tenantId, entry));
}

const validate = validatorCompiler({
  schema: bulkLineSchema,
  method: 'POST',
  url: '/v1/records/bulk',
  httpPart: 'body',
});

type ReadLine = { kind: 'good'; line: BulkLine } | { kind: 'refused'; errors: FieldProblem[] };

function readLine(line: NdjsonLine): ReadLine {
  if (line.kind === 'unreadable') return { kind: 'refused', errors: [unreadableLine(line.reason)] };
  const checked: unknown = validate(line.value);
  const { value, error } = checked as { value?: z.output<typeof bulkLineSchema>; error?: unknown };
  if (value === undefined) {
    return { kind: 'refused', errors: error instanceof Problem ? (error.extension.errors ?? []) : [] };
  }
  const { type, externalId, companyExternalId, ...values } = value;
  return { kind: 'good', line: { line: line.line, type, externalId, companyExternalId, values } };
}

function unreadableLine(reason: Extract<NdjsonLine, { kind: 'unreadable' }>['reason']): FieldProblem {
  const words = {
    'not-json': { reason: 'is not JSON.', remedy: 'One JSON object per line, without line breaks in it.' },
    'not-utf8': { reason: 'is not in UTF-8.', remedy: 'Send the file in UTF-8.' },
    'too-long': { reason: 'is too long.', remedy: `At most ${String(maxLineBytes)} bytes.` },
  };
  return { in: 'body', field: 'line', ...words[reason] };
}

async function writeLines(upload: Upload, lines: BulkLine[]): Promise<void> {
  if (lines.length === 0) return;
  const { context, viewer, answer } = upload;
  const { result, job } = await context.db.inTenant(viewer.tenantId, async (sql) => {
    await lockTenantForWriting(sql, viewer.tenantId);
    const result = await upsertRecords(sql, viewer.tenantId, lines);
    return { result, job: await queued(sql, upload, result.changedKeys) };
  });
  if (job !== null && job.operationId !== upload.job?.operationId) await closeJob(upload);
  upload.job = job ?? upload.job;
  upload.transactions += 1;
  if (upload.transactions % maxTransactionsPerJob === 0) await closeJob(upload);
  answer.created += result.created;
  answer.updated += result.updated;
  answer.written += result.created + result.updated;
  for (const { line, refusals } of result.refused) refuse(upload, line, refusals.map(fieldProblemOf));
}

function queued(sql: Sql, { viewer, job }: Upload, addressKeys: string[]): Promise<QueuedRematch | null> {
  if (job === null) return queueRematch(sql, viewer.tenantId, addressKeys);
  return addToRematch(sql, viewer.tenantId, { job, addressKeys });
}

function refuse({ answer }: Upload, line: number, errors: FieldProblem[]): void {
  answer.refusedCount += 1;
  if (answer.refused.length >= maxRefusedShown) return;
  answer.refused.push({ line, errors: errors.map(({ field, reason, remedy }) => ({ field, reason, remedy })) });
}

/** The last job that goes on after the answer is told in it. */
async function closeJob(upload: Upload): Promise<void> {
  const { context, viewer, job } = upload;
  upload.job = null;
  const operationId = await carryOutRematch(context, viewer.tenantId, job);
  if (operationId !== null) upload.answer.operationId = publicId('operation', operationId);
}
