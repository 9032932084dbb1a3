// Makes the replies that handlers answer with.
import { ApiError } from '../../messages/errors.ts';
import { stringifyJson } from '../../messages/json.ts';
import { limits } from '../../messages/limits.ts';
import type { Reply } from './route.ts';

/** For what has changed nothing yet. @throws ApiError RESPONSE_TOO_LARGE */
export function json(value: unknown, status = 200, headers: Readonly<Record<string, string>> = {}): Reply {
  const body = stringifyJson(value);
  if (Buffer.byteLength(body) > limits.responseBytes) {
    throw new ApiError('RESPONSE_TOO_LARGE', `the answer would be larger than ${limits.responseBytes} bytes`);
  }
  return { status, body, headers };
}

/** The error envelope that all routes share, with `Retry-After` on every 503. */
export function errorReply(error: ApiError): Reply {
  const headers: Record<string, string> = { 'x-hoody-error-code': error.code };
  if (error.status === 503) headers['retry-after'] = '1';
  return { status: error.status, body: stringifyJson(error.body()), headers };
}
