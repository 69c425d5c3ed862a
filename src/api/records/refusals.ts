import type { BulkRefusal } from '../../db/records-bulk';
import type { RecordRefusal } from '../../db/records-check';
import { publicId } from '../../domain/ids';
import type { FieldProblem, Problem } from '../problem';
import { conflict, invalidRequest } from '../problems';

/** A refusal in the words of the API. */
export function fieldProblemOf(refusal: BulkRefusal): FieldProblem {
  return { in: 'body', ...wordsOf(refusal) };
}

/** The problem that a refused record is answered with: 409 where another record has what is unique, else 400. */
export function refusedRecord(refusals: RecordRefusal[]): Problem {
  const errors = refusals.map(fieldProblemOf);
  const taken = refusals.find((refusal) => refusal.kind === 'number-taken' || refusal.kind === 'external-id-taken');
  if (taken === undefined) return invalidRequest(errors);
  const words = wordsOf(taken);
  return conflict(taken.kind, `${words.field}: ${words.reason} ${words.remedy}`);
}

function wordsOf(refusal: BulkRefusal): Omit<FieldProblem, 'in'> {
  switch (refusal.kind) {
    case 'number-taken':
      return {
        field: 'number',
        reason: `is that of ${holder(refusal.recordId)}.`,
        remedy: 'A number is unique among the records of a type.',
      };
    case 'external-id-taken':
      return {
        field: 'externalId',
        reason: `is that of ${holder(refusal.recordId)}.`,
        remedy: 'Change that record with PUT or PATCH, or send it to /v1/records/bulk.',
      };
    case 'no-such-company':
      return {
        field: 'companyId',
        reason: 'names a company that does not exist.',
        remedy: 'Give the id of a record of the type company.',
      };
    case 'no-such-company-external-id':
      return {
        field: 'companyExternalId',
        reason: 'names a company that does not exist.',
        remedy: 'Send the company, of the type company, in a line before, or before this call.',
      };
    case 'own-company':
      return { field: 'companyId', reason: 'is the record itself.', remedy: 'Give another company, or null.' };
    case 'no-such-owner':
      return {
        field: 'ownerUserId',
        reason: 'names a user that does not exist.',
        remedy: 'GET /v1/users lists them.',
      };
    case 'name-missing':
      return { field: 'name', reason: 'is missing.', remedy: 'A new record needs a name.' };
  }
}

function holder(recordId: string | null): string {
  return recordId === null ? 'an earlier line' : `record ${publicId('record', recordId)}`;
}
