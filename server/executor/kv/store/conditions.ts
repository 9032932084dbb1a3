// Conditions of a write: If-Match, If-None-Match, and the older compare-and-set by value. A condition is checked inside the
// write's own transaction, against the row that the write is about to change.
import { ApiError } from '../../../messages/errors.ts';
import type { KvRow } from '../table/row.ts';
import { valueBytes } from '../table/values.ts';

export interface Conditions {
  /** '*' = the key exists, or the strong tags of which one must be the current one. */
  readonly ifMatch?: '*' | readonly string[];
  /** The key must not exist. */
  readonly ifAbsent?: boolean;
  /** The current value, byte for byte. */
  readonly ifValue?: string;
}

/** @throws ApiError INVALID_PARAMETERS for weak or malformed tags. */
export function parseIfMatch(text: string): '*' | string[] {
  if (text.trim() === '*') return '*';
  const tags = listedTags(text);
  if (tags === null || tags.length === 0 || tags.some((tag) => tag.startsWith('W/'))) {
    throw new ApiError('INVALID_PARAMETERS', 'If-Match must be * or a comma-separated list of quoted strong ETags');
  }
  return tags;
}

/** If-None-Match of a write: only `*` applies there. */
export function parseIfAbsent(text: string): true {
  if (text.trim() === '*') return true;
  throw new ApiError('INVALID_PARAMETERS', 'If-None-Match on a write must be * (write only if the key does not exist)');
}

/** If-None-Match of a read: weak comparison. */
export function isNotModified(ifNoneMatch: string | undefined, etag: string | null): boolean {
  if (ifNoneMatch === undefined || etag === null) return false;
  if (ifNoneMatch.trim() === '*') return true;
  return listedTags(ifNoneMatch)?.some((tag) => tag.replace(/^W\//, '') === etag) ?? false;
}

/** The tags of a list, in which a comma may stand inside a tag and elements may be empty (RFC 9110, 5.6.1); null if malformed. */
function listedTags(text: string): string[] | null {
  if (!/^[\s,]*(?:(?:W\/)?"[^"]*"\s*(?:,[\s,]*|$))*$/.test(text)) return null;
  return text.match(/(?:W\/)?"[^"]*"/g) ?? [];
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
