// A cursor is the place of a row in the order of its page: its sorted values and its key; in a view, how many rows come
// before it. Clients do not look into it.
import { ApiError } from '../../messages/errors.ts';
import { isObject, type Json } from '../../messages/json.ts';
import type { StudioValue } from '../../messages/studio/values.ts';
import { decodeValue } from '../../messages/studio-values.ts';

/** Bytes of a sorted value that a cursor holds. A row with longer ones is looked up by its key. */
export const cursorCut = 256;

export interface Place {
  readonly sorted: readonly StudioValue[];
  readonly key: readonly StudioValue[];
}

export function encodePlace({ sorted, key }: Place): string {
  return pack(sorted.length === 0 ? { k: key } : { s: sorted, k: key });
}

export function encodeOffset(offset: number): string {
  return pack({ o: offset });
}

/** @throws ApiError INVALID_PARAMETERS for a cursor of another order */
export function decodePlace(cursor: string, sorted: number, key: number): Place {
  const { s = [], k } = unpack(cursor);
  if (!Array.isArray(s) || !Array.isArray(k) || s.length !== sorted || k.length !== key) throw foreign();
  return {
    sorted: s.map((value) => decodeValue(value, 'cursor')),
    key: k.map((value) => decodeValue(value, 'cursor')),
  };
}

export function decodeOffset(cursor: string): number {
  const { o } = unpack(cursor);
  if (typeof o !== 'number' || !Number.isSafeInteger(o) || o < 0) throw foreign();
  return o;
}

function pack(members: object): string {
  return Buffer.from(JSON.stringify(members)).toString('base64url');
}

function unpack(cursor: string): { readonly [name: string]: Json } {
  try {
    const members = JSON.parse(Buffer.from(cursor, 'base64url').toString()) as Json;
    if (isObject(members)) return members;
  } catch {
    // Not made by encodePlace.
  }
  throw foreign();
}

function foreign(): ApiError {
  return new ApiError('INVALID_PARAMETERS', 'the cursor belongs to another table or order: begin with the first page');
}
