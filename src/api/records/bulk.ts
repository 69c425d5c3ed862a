import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';

import type { z } from 'zod';

import type { Sql } from '../../db/database';
import { insertAudit } from '../../db/mailbox-write';
import {
  beginUpload,
  endUpload,
  noteLines,
  refusedLinesOf,
  type RefusedLine,
  type Upload,
} from '../../db/record-uploads';
import { upsertRecords, type BulkLine, type BulkResult } from '../../db/records-bulk';
import { queueRematch, type QueuedRematch } from '../../db/records-rematch';
import { queueRetelling } from '../../db/retelling';
import { lockTenantForWriting } from '../../db/tenant-lock';
import type { QueuedVisibility } from '../../db/visibility-job';
import { publicId } from '../../domain/ids';
import { carryOutVisibility } from '../carry-out-visibility';
import type { ApiContext } from '../context';
import type { FieldProblem } from '../problem';
import { idempotencyKeyInUse, idempotencyKeyReused } from '../problems';
import { actorOf, type Viewer } from '../viewer';
import { maxLineBytes, readLine, type ReadLine } from './bulk-line';
import { carryOutRematch } from './carry-out-rematch';
import { ndjsonLines } from './ndjson';
import { recordReaderOf } from './reader';
import { fieldProblemOf, uploadGap } from './refusals';
import type { bulkAnswerSchema } from './schemas';

type BulkAnswer = z.output<typeof bulkAnswerSchema>;

const linesPerTransaction = 500;
/** Refused lines that an answer names. */
export const maxRefusedShown = 10_000;

/** What is sent, and how it goes on with what was sent before. */
export interface UploadWish {
  body: Readable;
  /** The Idempotency-Key: by it an upload goes on that was cut off. */
  key: string | null;
  /** The number of the body's first line. */
  fromLine: number;
}

/** An upload that is under way in this request. */
interface Running {
  context: ApiContext;
  viewer: Viewer;
  fromLine: number;
  /** Null: without a key, so that nothing is noted. */
  upload: Upload | null;
  answer: BulkAnswer;
  /** Of all bytes until the last line that was read. */
  hash: ReturnType<typeof createHash>;
  rematch: QueuedRematch | null;
  retelling: QueuedVisibility | null;
}

/**
 * Writes records from the lines of a body while they arrive, a few hundred in a transaction. Bad lines are told and left out; good ones are
 * written whatever comes after them. The mail of all changed addresses is linked anew by one job at the end. With a key, lines that were done
 * with before are passed over: they are noted in the transactions that wrote them.
 * @throws Problem 413 where the body is too large, 422 where the key was used for other lines, 409 where the upload is just running or lines
 * would be left out; what came before is written
 */
export async function uploadRecords(context: ApiContext, viewer: Viewer, wish: UploadWish): Promise<BulkAnswer> {
  const running = await begin(context, viewer, wish);
  const { upload } = running;
  let ended: 'interrupted' | 'done' = 'interrupted';
  try {
    await writeAll(running, wish.body);
    ended = 'done';
  } finally {
    if (upload !== null)
      await endUpload(context.db, viewer.tenantId, { id: upload.id, line: running.answer.line, state: ended });
    await carryOutJobs(running);
  }
  await noteUpload(running);
  running.answer.refused.sort((one, other) => one.line - other.line);
  return running.answer;
}

async function begin(context: ApiContext, viewer: Viewer, { key, fromLine }: UploadWish): Promise<Running> {
  const upload = key === null ? null : await beginUpload(context.db, viewer.tenantId, { key, actor: actorOf(viewer) });
  if (key !== null && upload === null) throw idempotencyKeyInUse();
  if (upload !== null) await refuseOther(context, viewer, { upload, fromLine });
  const answer = upload === null ? { ...nothingDone, refused: [] } : await answerSoFar(context, viewer, upload);
  const hash = createHash('sha256');
  return { context, viewer, fromLine, upload, answer, hash, rematch: null, retelling: null };
}

const nothingDone: Omit<BulkAnswer, 'refused'> = {
  written: 0,
  created: 0,
  updated: 0,
  refusedCount: 0,
  line: 0,
  operationId: null,
  readersOperationId: null,
};

/** @throws Problem 422, 409 */
async function refuseOther(
  { db }: ApiContext,
  viewer: Viewer,
  { upload, fromLine }: { upload: Upload; fromLine: number },
): Promise<void> {
  const isOther = upload.actor !== actorOf(viewer);
  if (!isOther && fromLine <= upload.line + 1) return;
  await endUpload(db, viewer.tenantId, { id: upload.id, line: upload.line, state: 'interrupted' });
  throw isOther ? idempotencyKeyReused() : uploadGap(upload.line + 1);
}

/** What requests before this one came to. */
async function answerSoFar(context: ApiContext, viewer: Viewer, upload: Upload): Promise<BulkAnswer> {
  const { line, created, updated, refused: refusedCount } = upload;
  const refused = refusedCount === 0 ? [] : await refusalsOf(context, viewer, upload);
  return { ...nothingDone, written: created + updated, created, updated, refusedCount, refused, line };
}

function refusalsOf({ db }: ApiContext, { tenantId }: Viewer, { id }: Upload): Promise<RefusedLine[]> {
  return db.inTenant(tenantId, (sql) => refusedLinesOf(sql, tenantId, { id, limit: maxRefusedShown }));
}

async function writeAll(running: Running, body: Readable): Promise<void> {
  const { context, hash, fromLine, answer } = running;
  const doneBefore = answer.line;
  const options = {
    maxBytes: context.limits.maxNdjsonBytes,
    maxLineBytes,
    seen: (bytes: Buffer) => void hash.update(bytes),
  };
  let lines: ReadLine[] = [];
  let last = fromLine - 1;
  for await (const line of ndjsonLines(body, options)) {
    last = line.line + fromLine - 1;
    if (last === doneBefore) requireSameLines(running);
    if (last <= doneBefore) continue;
    lines.push(readLine({ ...line, line: last }));
    if (lines.length < linesPerTransaction) continue;
    await writeLines(running, { lines, line: last });
    lines = [];
  }
  if (last < doneBefore) throw idempotencyKeyReused();
  if (lines.length > 0) await writeLines(running, { lines, line: last });
}

/** @throws Problem 422 where other lines came with the key before; who goes on at a line sends none of them */
function requireSameLines({ upload, fromLine, hash }: Running): void {
  if (upload?.fingerprint === undefined || upload.fingerprint === null || fromLine > 1) return;
  if (!hash.copy().digest().equals(upload.fingerprint)) throw idempotencyKeyReused();
}

interface Share {
  lines: ReadLine[];
  /** The last of them. */
  line: number;
}

/** What a transaction came to. */
interface WrittenShare {
  result: BulkResult;
  refused: RefusedLine[];
  rematch: QueuedRematch | null;
  retelling: QueuedVisibility | null;
}

async function writeLines(running: Running, share: Share): Promise<void> {
  const { context, viewer, answer } = running;
  const written = await context.db.inTenant(viewer.tenantId, (sql) => writeShare(sql, running, share));
  const { result, refused } = written;
  running.rematch = written.rematch ?? running.rematch;
  if (written.retelling !== null) {
    if (written.retelling.operationId !== running.retelling?.operationId) await carryOutRetelling(running);
    running.retelling = written.retelling;
  }
  answer.line = share.line;
  answer.created += result.created;
  answer.updated += result.updated;
  answer.written += result.created + result.updated;
  answer.refusedCount += refused.length;
  answer.refused.push(...refused.slice(0, Math.max(0, maxRefusedShown - answer.refused.length)));
}

async function writeShare(sql: Sql, running: Running, { lines, line }: Share): Promise<WrittenShare> {
  const { viewer, upload, answer } = running;
  const { tenantId } = viewer;
  await lockTenantForWriting(sql, tenantId);
  const good = lines.flatMap((read): BulkLine[] => (read.kind === 'good' ? [read.line] : []));
  const result = await upsertRecords(sql, tenantId, {
    lines: good,
    connector: 'built-in',
    ...recordReaderOf(viewer),
  });
  const refused = refusedLines(viewer, lines, result);
  const rematch = await queueRematch(sql, tenantId, result.changedKeys);
  const retelling = await queueRetelling(sql, tenantId, { recordIds: result.retoldIds, job: running.retelling });
  if (upload !== null) {
    const isNoted = await noteLines(sql, tenantId, {
      id: upload.id,
      after: answer.line,
      line,
      fingerprint: fingerprintOf(running),
      created: result.created,
      updated: result.updated,
      refused,
      rematchId: rematch?.operationId ?? null,
    });
    if (!isNoted) throw idempotencyKeyInUse();
  }
  return { result, refused, rematch, retelling };
}

/** Of all lines until now; null where those before the first were not sent this time. */
function fingerprintOf({ hash, fromLine }: Running): Buffer | null {
  return fromLine > 1 ? null : hash.copy().digest();
}

function refusedLines(viewer: Viewer, lines: ReadLine[], result: BulkResult): RefusedLine[] {
  const shown = (errors: FieldProblem[]) => errors.map(({ field, reason, remedy }) => ({ field, reason, remedy }));
  return [
    ...lines.flatMap((read) => (read.kind === 'refused' ? [{ line: read.line, errors: shown(read.errors) }] : [])),
    ...result.refused.map(({ line, refusals }) => ({
      line,
      errors: shown(refusals.map((refusal) => fieldProblemOf(viewer, refusal))),
    })),
  ];
}

/** The jobs that go on after the answer are told in it. */
async function carryOutJobs(running: Running): Promise<void> {
  const { context, viewer, answer } = running;
  await carryOutRetelling(running);
  const operationId = await carryOutRematch(context, viewer.tenantId, running.rematch);
  if (operationId !== null) answer.operationId = publicId('operation', operationId);
}

async function carryOutRetelling(running: Running): Promise<void> {
  const { context, viewer, answer, retelling } = running;
  running.retelling = null;
  const operationId = await carryOutVisibility(context, viewer.tenantId, retelling);
  if (operationId !== null) answer.readersOperationId = publicId('operation', operationId);
}

function noteUpload({ context: { db }, viewer }: Running): Promise<void> {
  const entry = { actor: actorOf(viewer), action: 'records uploaded', ids: {} };
  return db.inTenant(viewer.tenantId, (sql) => insertAudit(sql, viewer.tenantId, entry));
}
