import type { BulkRefusal } from '../../db/records-bulk';
import type { RecordRefusal } from '../../db/records-check';
import { publicId } from '../../domain/ids';
import type { FieldProblem, Problem } from '../problem';
import { conflict, invalidRequest } from '../problems';
import type { Viewer } from '../viewer';

/** A refusal in the words of the API. Members are not told which record has what they wanted: they may not see it. */
export function fieldProblemOf(viewer: Viewer, refusal: BulkRefusal): FieldProblem {
  return { in: 'body', ...wordsOf(viewer, refusal) };
}

/** The problem that a refused record is answered with: 409 where another record has what is unique, else 400. */
export function refusedRecord(viewer: Viewer, refusals: RecordRefusal[]): Problem {
  const errors = refusals.map((refusal) => fieldProblemOf(viewer, refusal));
  const taken = refusals.find((refusal) => refusal.kind === 'number-taken' || refusal.kind === 'external-id-taken');
  if (taken === undefined) return invalidRequest(errors);
  const { field, reason, remedy } = wordsOf(viewer, taken);
  return conflict(taken.kind, `${field}: ${reason} ${remedy}`);
}

/** 409: the record is a part of another now. `into` is the database's id of that one. */
export function recordMerged(into: string): Problem {
  const id = publicId('record', into);
  return conflict(
    'record-merged',
    `The record was merged into ${id}. Change that one, or undo the merge: GET /v1/records/${id}/merges names it.`,
  );
}

/** 409: an upload that would go on behind lines that nobody has sent. */
export function uploadGap(line: number): Problem {
  return conflict(
    'upload-gap',
    `This upload goes on at line ${String(line)}: send it with fromLine=${String(line)}, or whole.`,
  );
}

type Words = Omit<FieldProblem, 'in'>;
type PlainRefusal = Exclude<BulkRefusal, { recordId: string | null }>['kind'];

const words: Record<PlainRefusal, Words> = {
  'no-such-company': {
    field: 'companyId',
    reason: 'names a company that does not exist.',
    remedy: 'Give the id of a record of the type company.',
  },
  'no-such-company-external-id': {
    field: 'companyExternalId',
    reason: 'names a company that does not exist.',
    remedy: 'Send the company, of the type company, in a line before, or before this call.',
  },
  'own-company': { field: 'companyId', reason: 'is the record itself.', remedy: 'Give another company, or null.' },
  'no-such-intermediary': {
    field: 'intermediaryId',
    reason: 'names an intermediary that does not exist.',
    remedy: 'Give the id of a record of the type intermediary.',
  },
  'no-such-intermediary-external-id': {
    field: 'intermediaryExternalId',
    reason: 'names an intermediary that does not exist.',
    remedy: 'Send the intermediary, of the type intermediary, in a line before, or before this call.',
  },
  'own-intermediary': {
    field: 'intermediaryId',
    reason: 'is the record itself.',
    remedy: 'Give another intermediary, or null.',
  },
  'no-such-owner': {
    field: 'ownerUserId',
    reason: 'names a user that does not exist.',
    remedy: 'GET /v1/users lists them.',
  },
  'no-such-type': {
    field: 'type',
    reason: 'is neither built in nor one of your own.',
    remedy: 'GET /v1/record-types lists the types; POST there names a new one.',
  },
  'named-by-others': {
    field: 'type',
    reason: 'cannot be another one: it is the company or intermediary of other records.',
    remedy: 'GET /v1/records?companyId= or ?intermediaryId= lists them. Give them another first, or none.',
  },
  'no-such-team': {
    field: 'scope.teamIds',
    reason: 'names a team that does not exist.',
    remedy: 'GET /v1/teams lists them.',
  },
  'no-such-user': {
    field: 'scope.userIds',
    reason: 'names a user that does not exist.',
    remedy: 'GET /v1/users lists them.',
  },
  'domains-of-no-company': {
    field: 'domains',
    reason: 'stands at a record that is no company.',
    remedy: 'Give domains to the company, and the company to its people.',
  },
  'public-mail-domain': {
    field: 'domains',
    reason: 'has a domain at which anybody can have an address.',
    remedy: 'Leave it out, and give the addresses themselves.',
  },
  'name-missing': { field: 'name', reason: 'is missing.', remedy: 'A new record needs a name.' },
};

function wordsOf(viewer: Viewer, refusal: BulkRefusal): Words {
  if (refusal.kind === 'number-taken') {
    const remedy = 'A number is unique among the records of a type.';
    return { field: 'number', reason: `is that of ${holder(viewer, refusal.recordId)}.`, remedy };
  }
  if (refusal.kind === 'external-id-taken') {
    const remedy = 'Change that record with PUT or PATCH, or send it to /v1/records/bulk.';
    return { field: 'externalId', reason: `is that of ${holder(viewer, refusal.recordId)}.`, remedy };
  }
  return words[refusal.kind];
}

function holder({ role }: Viewer, recordId: string | null): string {
  if (recordId === null) return 'an earlier line';
  return role === 'member' ? 'another record' : `record ${publicId('record', recordId)}`;
}
