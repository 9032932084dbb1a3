// Places in a file that a double cannot name, on a file system that has files of that size: tmpfs takes 2^63 bytes.
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { run } from '../helpers/process.ts';
import { type TempMount, tempMount } from '../helpers/temp-mount.ts';

describe.each(['on', 'off'] as const)('on tmpfs, passthrough %s', (passthrough) => {
  const dataDir = mkdtempSync('/dev/shm/hoody-sqlite-far-');
  let mount: TempMount;
  beforeAll(async () => {
    mount = await tempMount({ dataDir, passthrough });
  });
  afterAll(async () => {
    await mount?.close();
    rmSync(dataDir, { recursive: true, force: true });
  });

  test('write, read, truncate, fallocate, lseek and copy_file_range reach the very byte', async () => {
    const script = `
import os
far = 2**60 + 4097
fd = os.open('${join(mount.mountPoint, 'f')}', os.O_CREAT | os.O_RDWR)
assert os.pwrite(fd, b'abc', far) == 3 and os.fstat(fd).st_size == far + 3, os.fstat(fd).st_size - far
assert os.pread(fd, 5, far - 1) == b'\\0abc'
assert os.lseek(fd, far - 4097 - 4096, os.SEEK_DATA) == 2**60 + 4096
os.ftruncate(fd, far + 1); assert os.fstat(fd).st_size == far + 1 and os.pread(fd, 9, far) == b'a'
os.posix_fallocate(fd, far + 1, 2); assert os.fstat(fd).st_size == far + 3
assert os.copy_file_range(fd, fd, 1, far, far + 2) == 1 and os.pread(fd, 9, far) == b'a\\0a'
`;
    expect(await run('python3', ['-c', script])).toMatchObject({ code: 0, stderr: '' });
  });
});
