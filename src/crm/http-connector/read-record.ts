import type { DirectoryChange, DirectoryRecord, UnreadableRecord } from '../../domain/directory';
import type { AddressKind } from '../../domain/policy';
import type { HttpSettings } from './settings';

type Mapping = HttpSettings['mapping'];

/** What one object of the CRM says by the mapping: a change, or why it says none. */
export function readChange(
  object: unknown,
  mapping: Mapping,
): DirectoryChange | { kind: 'unreadable'; why: UnreadableRecord } {
  const externalId = textAt(object, mapping.externalId);
  if (externalId === null) return unreadable(null, 'no-external-id');
  const type = chosen(object, mapping.type);
  if (type === undefined) return unreadable(externalId, 'no-such-type');
  const into = textAt(object, mapping.mergedInto);
  // Some CRMs name the record itself as what it was merged with.
  if (into !== null && into !== externalId) return { kind: 'merged', type, externalId, into };
  if (isSaid(valueAt(object, mapping.deleted))) return { kind: 'deleted', type, externalId };
  return { kind: 'upsert', record: readRecord(object, { type, externalId }, mapping) };
}

function unreadable(externalId: string | null, reason: string): { kind: 'unreadable'; why: UnreadableRecord } {
  return { kind: 'unreadable', why: { externalId, reason } };
}

/** A field that the CRM does not send stays as it is here; one that it sends empty is emptied. */
function readRecord(object: unknown, known: { type: string; externalId: string }, mapping: Mapping): DirectoryRecord {
  const name = mapping.name.flatMap((path) => textAt(object, path) ?? []).join(' ');
  const number = optionalText(object, mapping.number);
  const companyExternalId = optionalText(object, mapping.companyExternalId);
  const sources = mapping.addresses.filter(({ path }) => valueAt(object, path) !== undefined);
  return {
    ...known,
    ...(name === '' ? {} : { name }),
    ...(number === undefined ? {} : { number }),
    ...(companyExternalId === undefined ? {} : { companyExternalId }),
    ...(sources.length === 0 ? {} : { addresses: sources.flatMap((source) => addressesAt(object, source)) }),
  };
}

function addressesAt(
  object: unknown,
  { path, address, kind }: Mapping['addresses'][number],
): { address: string; kind: AddressKind }[] {
  const value = valueAt(object, path);
  return (Array.isArray(value) ? value : [value]).flatMap((one: unknown) => {
    const text = address === undefined ? textOf(one) : textAt(one, address);
    // The kind of one of several addresses stands beside it; that of a single one, beside that in the record.
    const inEntry = chosen(typeof one === 'object' ? one : object, kind);
    return text === null ? [] : [{ address: text, kind: inEntry ?? 'other' }];
  });
}

function chosen<Value>(
  object: unknown,
  choice: { always: Value } | { path: string; values: Record<string, Value>; otherwise?: Value | undefined },
): Value | undefined {
  if ('always' in choice) return choice.always;
  const said = textAt(object, choice.path);
  return said !== null && Object.hasOwn(choice.values, said) ? choice.values[said] : choice.otherwise;
}

function optionalText(object: unknown, path: string | undefined): string | null | undefined {
  if (path === undefined || valueAt(object, path) === undefined) return undefined;
  return textAt(object, path);
}

/** The value at a path; undefined where there is none. Only what the object has itself. */
export function valueAt(object: unknown, path: string): unknown {
  return path.split('.').reduce<unknown>((value, name) => {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
    return (value as Record<string, unknown>)[name];
  }, object);
}

/** A text or number as text; null where there is neither, or only blanks. */
export function textAt(object: unknown, path: string): string | null {
  return textOf(valueAt(object, path));
}

function textOf(value: unknown): string | null {
  if (typeof value !== 'string' && typeof value !== 'number') return null;
  const text = String(value).trim();
  return text === '' ? null : text;
}

function isSaid(value: unknown): boolean {
  return value !== undefined && value !== null && value !== false && value !== 0 && value !== '';
}
