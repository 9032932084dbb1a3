// What tools/call answers: the result as text and as data, or why there is none and what to do about it.
import { ApiError, type ErrorCode } from '../../../messages/errors.ts';
import { stringifyJson } from '../../../messages/json.ts';
import { limits } from '../../../messages/limits.ts';

const busyHint = 'call locks: it shows which program holds the database and who waits; then try again';
const nameHint = 'call list_databases: it shows the names of all databases';

const hints: Partial<Record<ErrorCode, string>> = {
  DATABASE_NOT_FOUND: nameHint,
  INVALID_DB_PATH: nameHint,
  PATH_IS_DIRECTORY: nameHint,
  DATABASE_BUSY: busyHint,
  REQUEST_TIMEOUT: busyHint,
  SERVICE_UNAVAILABLE: 'the server has too much work: wait a second and try again',
  DATABASE_ERROR: 'the database or its disk has failed: tell whoever runs the server',
  INTERNAL_ERROR: 'the server has failed: tell whoever runs it',
  KEY_NOT_FOUND: 'call kv_list to see the keys, or kv_get with at_timestamp to see what it was earlier',
  KEY_EXPIRED: 'its time to live is over; kv_history shows what it was',
  SQL_BIND_ERROR:
    'give "params" a list with one value for each ?, or an object with one member for each named parameter',
  SQL_CONSTRAINT: 'nothing was committed; call schema to see the constraints',
  SQL_ERROR: 'nothing was committed; call schema to see the tables and columns as they are',
  RESPONSE_TOO_LARGE: 'ask for less: name the columns, use LIMIT, or substr() and length() of long values',
  PAYLOAD_TOO_LARGE: 'send less at once',
  PRECONDITION_FAILED: 'it was changed meanwhile: read it again',
  CHANGE_CURSOR_EXPIRED: 'call changes without "since" to begin anew',
  CHANGE_CURSOR_INVALID: 'call changes without "since" to begin anew',
  TIME_TRAVEL_CHAIN_GAP: 'choose a later time; kv_history shows what is known',
  TOO_OLD: 'database_history shows the oldest state that is kept',
  UNKNOWN_BOOKMARK: 'database_history lists the bookmarks',
  NOT_ARCHIVED: 'the past of this database is not kept, so there is nothing to go back to',
};

/** `result`: JSON text of an object. @returns JSON text. @throws ApiError RESPONSE_TOO_LARGE */
export function toolResult(result: string, more: string): string {
  const text = `{"content":[{"type":"text","text":${JSON.stringify(result)}}],"structuredContent":${result}${more}}`;
  if (Buffer.byteLength(text) <= limits.responseBytes) return text;
  throw new ApiError('RESPONSE_TOO_LARGE', `the answer would be larger than ${limits.responseBytes} bytes`);
}

/** `more`: members that every result of the client's era has. */
export function toolError({ code, message, members }: ApiError, more: string): string {
  const { reqIdx, hint = hints[code] ?? 'correct the arguments and call the tool again', holder, offset } = members;
  const index = typeof reqIdx === 'number' && reqIdx >= 0 ? reqIdx : undefined;
  // With "message" where clients of a route look for the code in "error".
  const error = message === code && typeof members.message === 'string' ? members.message : message;
  const text = stringifyJson({ error, code, hint, statement_index: index, offset, holder });
  return `{"content":[{"type":"text","text":${JSON.stringify(text)}}],"isError":true${more}}`;
}
