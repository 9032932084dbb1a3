// A reply: what is sent to a client over HTTP. Handlers make it, or an operation does, inside the executor and down to
// the bytes of its body: an idempotent request is then answered again with exactly the same bytes, and a big value
// crosses the process border once.

import { ApiError } from './errors.ts';
import { stringifyJson } from './json.ts';
import { limits } from './limits.ts';

export interface Reply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** null sends no body, and neither does HEAD. */
  readonly body: string | Uint8Array | null;
  /** Default `application/json; charset=utf-8` where there is a body; without one, what HEAD says of it. */
  readonly contentType?: string;
}

/** @throws ApiError RESPONSE_TOO_LARGE, which undoes what a write has done so far */
export function json(value: unknown, status = 200, headers: Readonly<Record<string, string>> = {}): Reply {
  const body = stringifyJson(value);
  checkSize(Buffer.byteLength(body), limits.responseBytes);
  return { status, headers, body };
}

export function etagHeader(etag: string | null): { readonly etag?: string } {
  return etag === null ? {} : { etag };
}

/** The error envelope that all routes share, with `Retry-After` on every 503. */
export function errorReply(error: ApiError): Reply {
  const headers: Record<string, string> = { 'x-hoody-error-code': error.code };
  if (error.status === 503) headers['retry-after'] = '1';
  return { status: error.status, body: stringifyJson(error.body()), headers };
}

/** @throws ApiError RESPONSE_TOO_LARGE */
export function checkSize(bytes: number, maxBytes: number): void {
  if (bytes <= maxBytes) return;
  throw new ApiError('RESPONSE_TOO_LARGE', `the answer would be larger than ${maxBytes} bytes; ask for less at once`);
}

/**
 * Counts what goes into one reply while it is put together, so that one which is much too large is not put together
 * first. How large it is exactly, json() sees.
 */
export class ReplyBudget {
  #bytes = 0;

  /** Text by its bytes, a BLOB by its base64. @throws ApiError RESPONSE_TOO_LARGE */
  take(...values: (string | Uint8Array | null)[]): void {
    for (const value of values) {
      if (value !== null) this.#bytes += typeof value === 'string' ? Buffer.byteLength(value) : (value.length / 3) * 4;
    }
    checkSize(this.#bytes, limits.responseBytes);
  }
}
