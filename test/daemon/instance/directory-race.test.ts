// The moment before a directory is made, in which another daemon that starts may make the same one.
import { mkdtempSync, realpathSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createDataDirectory } from '../../../daemon/instance/data-directory.ts';
import { createDirectory } from '../../../daemon/instance/paths.ts';

/** Every directory is made by somebody else right before the code under test makes it. */
let isOvertaken = false;
vi.mock('node:fs', async (original) => {
  const fs = await original<typeof import('node:fs')>();
  return {
    ...fs,
    mkdirSync: (...args: Parameters<typeof fs.mkdirSync>) => {
      if (isOvertaken && fs.existsSync(join(String(args[0]), '..'))) fs.mkdirSync(args[0], 0o711);
      return fs.mkdirSync(...args);
    },
  };
});

let folder = '';
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'hoody-sqlite-')));
  isOvertaken = true;
});
afterEach(() => {
  isOvertaken = false;
  rmSync(folder, { recursive: true });
});

const permissions = (path: string) => statSync(path).mode & 0o777;

test('a directory and its parents that appear meanwhile are as good as new ones', () => {
  const path = join(folder, 'a', 'b', 'c');
  expect(createDirectory(path)).toBe(path);
});

test('a data directory that appears meanwhile is used as it is: the claims say who serves it', () => {
  const path = join(folder, 'parent', 'data');
  expect(createDataDirectory(path, { isMounted: true, user: undefined })).toBe(path);
  expect(permissions(path)).toBe(0o711);
});
