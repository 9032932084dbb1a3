// What a KV operation answers: it is made inside the executor, down to the bytes of the body, so that an idempotent request
// can be answered again with exactly the same bytes, and big values cross the process border once.

import type { StoredValue } from '../executor/kv/table/values.ts';
import { ApiError } from './errors.ts';
import { stringifyJson } from './json.ts';
import { limits } from './limits.ts';

export interface KvAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** null sends no body. */
  readonly body: string | Uint8Array | null;
  /** Absent: JSON. */
  readonly contentType?: string;
}

/** @throws ApiError RESPONSE_TOO_LARGE, which undoes what a write has done so far */
export function jsonAnswer(body: Record<string, unknown>, etag: string | null = null): KvAnswer {
  const text = stringifyJson(body);
  checkSize(Buffer.byteLength(text), limits.responseBytes);
  return { status: 200, headers: etag === null ? {} : { etag }, body: text };
}

/** @throws ApiError RESPONSE_TOO_LARGE */
export function checkSize(bytes: number, maxBytes: number): void {
  if (bytes <= maxBytes) return;
  throw new ApiError('RESPONSE_TOO_LARGE', `the answer would be larger than ${maxBytes} bytes; ask for less at once`);
}

/**
 * Counts what goes into one answer while it is put together, so that one which is much too large is not put together first. How
 * large it is exactly, jsonAnswer sees.
 */
export class AnswerBudget {
  #bytes = 0;

  /** Text by its bytes, a BLOB by its base64. @throws ApiError RESPONSE_TOO_LARGE */
  take(...values: StoredValue[]): void {
    for (const value of values) {
      if (value !== null) this.#bytes += typeof value === 'string' ? Buffer.byteLength(value) : (value.length / 3) * 4;
    }
    checkSize(this.#bytes, limits.responseBytes);
  }
}
