import { expect, test } from 'vitest';
import { escapedPath, escapedQuery, keyOf } from '../../../../../fs/archive/ship/s3/keys.ts';

test('a path and a query are escaped as the signature has them, so that no service need do it again', () => {
  expect(escapedPath(keyOf('a b/', "x+y/!'()*&=?#%/\u00e9-_.~"))).toBe(
    '/a%20b/x%2By/%21%27%28%29%2A%26%3D%3F%23%25/%C3%A9-_.~',
  );
  expect(escapedPath('')).toBe('');
  expect(escapedQuery({ prefix: 'a b/+*', uploads: '' })).toBe('?prefix=a%20b%2F%2B%2A&uploads=');
  expect(escapedQuery({})).toBe('');
});
