// Conditions of a request, as its headers or its entries say them: If-Match, If-None-Match, and the older
// compare-and-set by value. executor/kv/store/conditions.ts holds them against rows.
import { ApiError } from './errors.ts';

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

/**
 * The tags of a list, in which a comma may stand inside a tag and elements may be empty (RFC 9110, 5.6.1); null if
 * malformed.
 */
export function listedTags(text: string): string[] | null {
  if (!/^[\s,]*(?:(?:W\/)?"[^"]*"\s*(?:,[\s,]*|$))*$/.test(text)) return null;
  return text.match(/(?:W\/)?"[^"]*"/g) ?? [];
}
