// What a key may be, and the range of keys that begin with a prefix.
import { ApiError } from '../../../messages/errors.ts';
import { kvLimits } from '../kv-limits.ts';

/** @throws ApiError INVALID_PARAMETERS */
export function checkKey(key: unknown): string {
  if (typeof key !== 'string' || key.trim() === '') throw invalid('a key must be a text that is not blank');
  if (Buffer.byteLength(key) > kvLimits.keyBytes) throw invalid(`a key has at most ${kvLimits.keyBytes} bytes`);
  if (key.includes('\0')) throw invalid('a key holds no NUL character');
  if (/\p{Surrogate}/u.test(key)) throw invalid('a key must be valid Unicode');
  return key;
}

/** Keys from `prefix` (inclusive) to this (exclusive) begin with the prefix; null: no upper bound. */
export function prefixEnd(prefix: string): string | null {
  const points = [...prefix].map((character) => character.codePointAt(0) ?? 0);
  for (let last = points.pop(); last !== undefined; last = points.pop()) {
    if (last < 0x10ffff) return String.fromCodePoint(...points, last === 0xd7ff ? 0xe000 : last + 1);
  }
  return null;
}

function invalid(problem: string): ApiError {
  return new ApiError('INVALID_PARAMETERS', problem);
}
