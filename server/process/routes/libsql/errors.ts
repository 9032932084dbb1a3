// Errors as libSQL clients read them: the content type must be exactly this one, without a charset.
import type { ApiError, ErrorCode } from '../../../messages/errors.ts';
import type { Reply } from '../../../messages/reply.ts';
import { errorReply } from '../../../messages/reply.ts';
import { object, type Schema, text } from '../../http/schema.ts';
import { databaseErrors } from '../parameters.ts';

export const libsqlErrorSchema: Schema = object({ message: text, code: text });

export const streamErrors: readonly ErrorCode[] = [
  ...databaseErrors,
  'PAYLOAD_TOO_LARGE',
  'STREAM_EXPIRED',
  'TRANSACTION_TIMEOUT',
  'CONFLICT',
  'DATABASE_READONLY',
];

export function libsqlErrorReply(error: ApiError): Reply {
  const { message, code, members } = error;
  const body = JSON.stringify({ message, code, ...(code === 'NO_MORE_FRAMES' ? members : {}) });
  return { ...errorReply(error), body, contentType: 'application/json' };
}
