import { expect, test } from 'vitest';
import { fileSystemOf } from '../../../daemon/mount/file-system.ts';

test('a path belongs to the deepest mount above it', () => {
  expect(fileSystemOf('/proc/self')?.type).toBe('proc');
  expect(fileSystemOf('/')?.mountPoint).toBe('/');
});
