import { expect, test } from 'vitest';
import { fileSystemOf, parseFileSystems } from '../../daemon/file-system.ts';

test('a line of mountinfo gives mount point, type and source, with escapes undone', () => {
  const line = '36 35 0:42 / /mnt/a\\040b rw,nosuid shared:1 master:2 - fuse.hoody-sqlite hoody-sqlite rw,user_id=0\n';
  expect(parseFileSystems(line)).toEqual([
    { mountPoint: '/mnt/a b', type: 'fuse.hoody-sqlite', source: 'hoody-sqlite' },
  ]);
});

test('a path belongs to the deepest mount above it', () => {
  expect(fileSystemOf('/proc/self')?.type).toBe('proc');
  expect(fileSystemOf('/')?.mountPoint).toBe('/');
});
