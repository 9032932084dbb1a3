// Conditions of a write: If-Match, If-None-Match, and the older compare-and-set by value. A condition is checked inside
// the write's own transaction, against the row that the write is about to change.
import { type Conditions, listedTags } from '../../../messages/conditions.ts';
import { ApiError } from '../../../messages/errors.ts';
import type { KvRow } from '../table/row.ts';
import { valueBytes } from '../table/values.ts';

/** If-None-Match of a read: weak comparison. */
export function isNotModified(ifNoneMatch: string | undefined, etag: string | null): boolean {
  if (ifNoneMatch === undefined || etag === null) return false;
  if (ifNoneMatch.trim() === '*') return true;
  return listedTags(ifNoneMatch)?.some((tag) => tag.replace(/^W\//, '') === etag) ?? false;
}

/** Nothing about the row matters. */
export function isUnconditional({ ifMatch, ifAbsent, ifValue }: Conditions): boolean {
  return ifMatch === undefined && ifAbsent !== true && ifValue === undefined;
}

export function holds(conditions: Conditions, row: KvRow | null): boolean {
  const { ifMatch, ifAbsent } = conditions;
  if (ifAbsent === true && row !== null) return false;
  if (ifMatch === undefined) return true;
  if (row === null) return false;
  return ifMatch === '*' || (row.etag !== null && ifMatch.includes(row.etag));
}

/** @throws ApiError PRECONDITION_FAILED */
export function requireConditions(conditions: Conditions, row: KvRow | null): void {
  const fail = (message: string) =>
    new ApiError('PRECONDITION_FAILED', message, { members: { current_etag: row?.etag ?? null } });
  if (conditions.ifValue !== undefined) {
    if (row === null) throw fail('Key does not exist for CAS');
    if (!valueBytes(row.value).equals(Buffer.from(conditions.ifValue))) throw fail('Value mismatch for CAS');
  }
  if (!holds(conditions, row)) {
    throw fail(conditions.ifAbsent === true ? 'the key exists' : 'the ETag of the key is another one');
  }
}
