// Files that a path may lead to, on a real disk: working copies of databases in RAM have their locks on the mount, so
// no other path leads to them.
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { findFile } from '../../../server/executor/files.ts';
import { Directories } from '../../../server/process/directories/directories.ts';

const folder = mkdtempSync(join(tmpdir(), 'hoody-sqlite-paths-'));
const [root, dataDir] = [join(folder, 'mount'), join(folder, 'data')];
const copies = join(folder, 'ramdisk', '.hoody-sqlite', '0123', '1:2:0:3', 'files');
for (const directory of [root, dataDir, copies]) mkdirSync(directory, { recursive: true });
symlinkSync(copies, join(folder, 'link'));
writeFileSync(join(copies, 'app.db'), 'SQLite format 3\0');
const rules = { root, dataDir, allowAnyAbsoluteDbPath: true };
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test.each([copies, join(folder, 'link')])('no path but that of the mount leads to a database in RAM: %s', (path) => {
  expect(() => findFile(join(path, 'app.db'), rules)).toThrow('databases in RAM are opened by their names');
  expect(() => findFile(join(path, 'new.db'), rules)).toThrow('databases in RAM are opened by their names');
});

test('without a mount nobody else keeps locks', () => {
  expect(findFile(join(copies, 'app.db'), { ...rules, root: dataDir }).identity).not.toBe(null);
});

test('their folder is no directory of keys', async () => {
  const directories = new Directories({ ...rules, mounted: true, openPaths: () => [] });
  for (const path of [copies, join(folder, 'ramdisk', '.hoody-sqlite')]) {
    await expect(directories.open(path)).rejects.toMatchObject({ code: 'PATH_IS_DIRECTORY' });
  }
  const above = await directories.open(join(folder, 'ramdisk'));
  writeFileSync(join(folder, 'ramdisk', 'key'), 'value');
  expect(await above?.list('')).toEqual(['key']);
  await expect(above?.delete('.hoody-sqlite/0123/1:2:0:3/files/app.db')).rejects.toMatchObject({
    code: 'INVALID_PARAMETERS',
  });
  await above?.close();
});
