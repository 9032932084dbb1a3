// Query parameters that many routes share.
import type { ErrorCode } from '../../messages/errors.ts';
import { limits } from '../../messages/limits.ts';
import type { QueryParameter } from '../http/query.ts';
import type { DescribedReply } from '../http/route.ts';
import { errorReference } from '../http/schema.ts';

export const dbParameter: QueryParameter = {
  name: 'db',
  type: 'text',
  required: true,
  description:
    'The database: a bare name below the root (`.db` is added when it has no extension) or an absolute path.',
};

export const timeoutParameter: QueryParameter = {
  name: 'timeout',
  type: 'integer',
  isLenient: true,
  default: limits.deadlineDefaultSeconds,
  description: 'Deadline in seconds, clamped to 1..300. Missed: 503 REQUEST_TIMEOUT.',
};

export const createParameters: readonly QueryParameter[] = [
  {
    name: 'create_db_if_missing',
    type: 'boolean',
    default: false,
    description: 'Create the database file when it is missing.',
  },
  { name: 'auto_create', type: 'boolean', default: false, description: 'Alias of create_db_if_missing.' },
];

/** Where DATABASE_NOT_FOUND is 404, other than in the table of errors. */
export const noDatabase: DescribedReply = {
  description: '`DATABASE_NOT_FOUND`: there is no such database.',
  schema: errorReference,
};

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
