import { statfs } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { FreeSpace } from '../../../daemon/supervisor/free-space.ts';

test('a directory has free space, a missing one has none to tell', async () => {
  expect(await new FreeSpace().bytes('/')).toBeGreaterThan(0);
  expect(await new FreeSpace().bytes('/no/such/directory')).toBe(null);
});

test('a file system that hangs is asked once, holds nobody up, and is asked again after it has answered', async () => {
  let asked = 0;
  let answer: () => void = () => {};
  const answered = new Promise<void>((resolve) => {
    answer = resolve;
  });
  const space = new FreeSpace(async (path) => {
    asked += 1;
    await answered;
    return await statfs(path);
  });
  expect(await Promise.all([space.bytes('/'), space.bytes('/')])).toEqual([null, null]);
  expect(await space.bytes('/')).toBe(null);
  expect(asked).toBe(1);
  answer();
  await answered;
  expect(await space.bytes('/')).toBeGreaterThan(0);
  expect(await space.bytes('/')).toBeGreaterThan(0);
  expect(asked).toBe(2);
});
