// Query parameters that many routes share.
import type { ErrorCode } from '../../messages/errors.ts';
import type { QueryParameter } from '../http/route.ts';

export const dbParameter: QueryParameter = {
  name: 'db',
  type: 'text',
  required: true,
  sense: 'The database: a bare name below the root (`.db` is added when it has no extension) or an absolute path.',
};

export const timeoutParameter: QueryParameter = {
  name: 'timeout',
  // A malformed value is ignored, so it is decoded apart from the other integers.
  type: 'text',
  default: '30',
  sense: 'Deadline in seconds, clamped to 1..300. Missed: 503 REQUEST_TIMEOUT.',
};

export const createParameters: readonly QueryParameter[] = [
  {
    name: 'create_db_if_missing',
    type: 'boolean',
    default: false,
    sense: 'Create the database file when it is missing.',
  },
  { name: 'auto_create', type: 'boolean', default: false, sense: 'Alias of create_db_if_missing.' },
];

/** What every route that takes `db` can answer. */
export const databaseErrors: readonly ErrorCode[] = [
  'INVALID_PARAMETERS',
  'INVALID_DB_PATH',
  'DATABASE_NOT_FOUND',
  'INVALID_SQLITE_HEADER',
  'PATH_IS_DIRECTORY',
  'FORBIDDEN',
  'INTERNAL_ERROR',
  'DATABASE_ERROR',
  'DATABASE_BUSY',
  'REQUEST_TIMEOUT',
  'SERVICE_UNAVAILABLE',
  'RESPONSE_TOO_LARGE',
];
