// What a key may be, and the range of keys that begin with a prefix.
import { ApiError } from './errors.ts';
import { kvLimits } from './kv-limits.ts';
import { unicodeProblem } from './unicode.ts';

/** @throws ApiError INVALID_PARAMETERS */
export function checkKey(key: unknown): string {
  if (typeof key !== 'string' || key.trim() === '') throw invalid('a key must be a text that is not blank');
  if (Buffer.byteLength(key) > kvLimits.keyBytes) throw invalid(`a key has at most ${kvLimits.keyBytes} bytes`);
  if (key.includes('\0')) throw invalid('a key holds no NUL character');
  checkUnicode(key, 'the key');
  return key;
}

/**
 * A surrogate without its other half has no UTF-8: SQLite would keep bytes that no other program can read.
 * @throws ApiError INVALID_PARAMETERS
 */
export function checkUnicode(text: string, what: string): void {
  const problem = unicodeProblem(text);
  if (problem !== null) throw invalid(`${what} ${problem}`);
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
