// Every error code that the HTTP API can answer, with its status, in one table, and the one error class that carries
// a code to the client. Codes are the contract; texts are for people.

import { limits } from './limits.ts';
import { wellFormed } from './unicode.ts';

export const errorCodes = {
  INVALID_PARAMETERS: { status: 400, description: 'A parameter or the body is missing, malformed or out of range.' },
  INVALID_DB_PATH: { status: 400, description: 'The database path is not allowed.' },
  DATABASE_NOT_FOUND: {
    status: 400,
    description: 'The database file does not exist and the request does not create it.',
  },
  INVALID_SQLITE_HEADER: { status: 400, description: 'The file is empty or not an SQLite database.' },
  PATH_IS_DIRECTORY: { status: 400, description: 'The path is a directory where only a file works.' },
  INVALID_JSON_VALUE: { status: 400, description: 'A value sent as JSON is not one JSON document.' },
  SQL_ERROR: { status: 400, description: 'SQLite refused the statement.' },
  SQL_BIND_ERROR: { status: 400, description: 'The values do not fit the parameters of the statement.' },
  UNKNOWN_FIELD: { status: 400, description: 'A transaction item has a member that is not known.' },
  STREAM_EXPIRED: { status: 400, description: 'The transaction of the baton has ended; the text says why.' },
  TRANSACTION_TIMEOUT: {
    status: 400,
    description: 'The transaction was rolled back: its client was silent for too long.',
  },
  NO_MORE_FRAMES: { status: 400, description: 'The copy has all frames of its generation.' },
  VALUES_CONFLICT: { status: 400, description: '`values` and `params` were both sent and differ.' },
  UNAUTHORIZED: { status: 401, description: 'A bearer token is needed, or the one sent is wrong.' },
  FORBIDDEN: { status: 403, description: 'The path, host, origin or token is not allowed to do this.' },
  NOT_FOUND: { status: 404, description: 'There is no such route or thing.' },
  KEY_NOT_FOUND: { status: 404, description: 'The key does not exist.' },
  KEY_EXPIRED: { status: 404, description: 'The key existed and its time to live is over.' },
  HISTORY_ENTRY_NOT_FOUND: { status: 404, description: 'There is no such history entry.' },
  NOT_ARCHIVED: { status: 404, description: 'The past of the database is not kept; the text says why.' },
  UNKNOWN_BOOKMARK: { status: 404, description: 'The database has no such bookmark.' },
  METHOD_NOT_ALLOWED: { status: 405, description: 'The route exists, but not with this method.' },
  CONFLICT: { status: 409, description: 'The state of the database or file does not allow this.' },
  CANCELLED: { status: 409, description: 'The request was cancelled; nothing was committed.' },
  DATABASE_EXISTS: { status: 409, description: 'The database to create exists.' },
  SQL_CONSTRAINT: { status: 409, description: 'A constraint of the schema was violated.' },
  DATABASE_READONLY: { status: 409, description: 'The database cannot be written.' },
  TIME_TRAVEL_CHAIN_GAP: { status: 409, description: 'Writes without recorded history stand in between.' },
  CHANGE_CURSOR_EXPIRED: { status: 410, description: 'Changes after this cursor are no longer kept.' },
  CHANGE_CURSOR_INVALID: { status: 410, description: 'The cursor does not belong to this database or table.' },
  TOO_OLD: { status: 410, description: 'The state of this moment is no longer kept.' },
  ARCHIVE_GAP: { status: 410, description: 'What was written around this moment was not seen.' },
  PRECONDITION_FAILED: { status: 412, description: 'If-Match, If-None-Match or if_match did not hold.' },
  PAYLOAD_TOO_LARGE: { status: 413, description: 'The request is larger than a limit.' },
  RESPONSE_TOO_LARGE: { status: 413, description: 'The answer would be larger than the limit; nothing was committed.' },
  IDEMPOTENT_RESPONSE_TOO_LARGE: { status: 413, description: 'The answer is too large to be kept for a replay.' },
  URI_TOO_LONG: { status: 414, description: 'The URL is longer than the limit.' },
  IDEMPOTENCY_KEY_MISMATCH: { status: 422, description: 'The Idempotency-Key was used for another request.' },
  HEADERS_TOO_LARGE: { status: 431, description: 'The request line and headers are larger than the limit.' },
  INTERNAL_ERROR: { status: 500, description: 'An error of the server.' },
  DATABASE_ERROR: { status: 500, description: 'SQLite or the disk failed.' },
  DELETE_INCOMPLETE: { status: 500, description: 'Some files of the database could not be removed; a retry is safe.' },
  ARCHIVE_DAMAGED: { status: 500, description: 'The files that keep the past of the database are damaged.' },
  DATABASE_BUSY: {
    status: 503,
    description: 'A program, or another request, holds the database longer than the request may wait.',
  },
  REQUEST_TIMEOUT: { status: 503, description: 'The deadline passed; nothing was committed.' },
  SERVICE_UNAVAILABLE: { status: 503, description: 'Too much work is queued, or the work was interrupted.' },
  NO_SPACE: { status: 507, description: 'The disk has no room for the work.' },
} as const satisfies Record<string, { status: number; description: string }>;

export type ErrorCode = keyof typeof errorCodes;

export interface ApiErrorOptions {
  /** Where a route differs from the table (DATABASE_NOT_FOUND is 404 on DELETE /db and /maintenance). */
  readonly status?: number;
  /** Members that stand beside `error` and `code` in the answer. */
  readonly members?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

/** What a client is told. Thrown anywhere between route and executor; crosses the process border as plain data. */
export class ApiError extends Error {
  readonly code: ErrorCode;
  readonly status: number;
  readonly members: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, message: string, options: ApiErrorOptions = {}) {
    super(
      message.length > limits.errorChars ? `${wellFormed(message.slice(0, limits.errorChars))}...` : message,
      options.cause === undefined ? undefined : { cause: options.cause },
    );
    this.name = 'ApiError';
    this.code = code;
    this.status = options.status ?? errorCodes[code].status;
    this.members = options.members ?? {};
  }

  /** The body of the answer. */
  body(): Record<string, unknown> {
    return { ...this.members, error: this.message, code: this.code };
  }
}

/** The answer to work that an executor cannot do within its memory. */
export function needsTooMuchMemory(cause?: unknown): ApiError {
  const message = 'the request needs more memory than one executor may have (--executor-memory); nothing was committed';
  return new ApiError('RESPONSE_TOO_LARGE', message, { cause });
}

/** Anything thrown, but by SQLite -> what its client is told. */
export function toApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  const text = error instanceof Error ? error.message : String(error);
  if (isOutOfMemory(error, text)) return needsTooMuchMemory(error);
  if (isPermissionError(error)) {
    return new ApiError('FORBIDDEN', 'the user that the HTTP server runs as may not use this file', { cause: error });
  }
  if (error instanceof Error && 'code' in error && error.code === 'EROFS') {
    return new ApiError('DATABASE_READONLY', 'the file system is read-only', { cause: error });
  }
  return new ApiError('INTERNAL_ERROR', 'internal error', { cause: error });
}

/** Buffers and strings that could not be made. */
function isOutOfMemory(error: unknown, text: string): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : '';
  if (code === 'ERR_MEMORY_ALLOCATION_FAILED' || code === 'ERR_STRING_TOO_LONG') return true;
  return error instanceof RangeError && /allocation failed|Invalid string length|Invalid array/.test(text);
}

function isPermissionError(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'EACCES' || error.code === 'EPERM');
}

/** An ApiError as it crosses the channel between executor and server. */
export interface ErrorData {
  readonly code: ErrorCode;
  readonly message: string;
  readonly status: number;
  readonly members: Readonly<Record<string, unknown>>;
  /** What happened, for the server's log alone; only for an error that is not the client's. */
  readonly cause?: string;
}

export function toErrorData(error: ApiError): ErrorData {
  const { code, message, status, members } = error;
  return { code, message, status, members, ...(status >= 500 && { cause: causeText(error) }) };
}

export function fromErrorData({ code, message, ...options }: ErrorData): ApiError {
  return new ApiError(code, message, options);
}

/**
 * The error and all that caused it, in one line for the log; the innermost with its stack, which shows where it began.
 */
export function causeText({ cause, message }: Error): string {
  if (typeof cause === 'string') return cause;
  if (!(cause instanceof Error)) return cause === undefined ? message : String(cause);
  if (cause.cause !== undefined) return `${cause.message}: ${causeText(cause)}`;
  return cause.stack ?? cause.message;
}
