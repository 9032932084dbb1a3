import { expect, test } from 'vitest';
import { ApiError, causeText, fromErrorData, toErrorData } from '../../../server/messages/errors.ts';

test('what caused an error of the server reaches the log of the other process, and no client', () => {
  const cause = new Error('disk I/O error', { cause: new TypeError('the first of all') });
  const crossed = fromErrorData(structuredClone(toErrorData(new ApiError('DATABASE_ERROR', 'internal', { cause }))));
  expect(causeText(crossed)).toMatch(/^disk I\/O error: TypeError: the first of all\n +at .*errors\.test\.ts/);
  expect(JSON.stringify(crossed.body())).not.toContain('disk');
  expect(causeText(new ApiError('INTERNAL_ERROR', 'no operation x'))).toBe('no operation x');
  expect(toErrorData(new ApiError('SQL_ERROR', 'syntax', { cause }))).not.toHaveProperty('cause');
});
