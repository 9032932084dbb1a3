// Makes the replies that handlers answer with.
import type { ApiError } from '../../messages/errors.ts';
import { stringifyJson } from '../../messages/json.ts';
import type { Reply } from './route.ts';

export function json(value: unknown, status = 200, headers: Readonly<Record<string, string>> = {}): Reply {
  return { status, body: stringifyJson(value), headers };
}

/** The error envelope that all routes share, with `Retry-After` on every 503. */
export function errorReply(error: ApiError): Reply {
  const headers: Record<string, string> = { 'x-hoody-error-code': error.code };
  if (error.status === 503) headers['retry-after'] = '1';
  return json(error.body(), error.status, headers);
}
