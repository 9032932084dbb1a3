import { expect, test } from 'vitest';
import { databasePath } from '../../../daemon/databases/name.ts';
import { isInside } from '../../../daemon/instance/paths.ts';

test('a directory holds itself and what lies below it, and nothing that only begins like it', () => {
  for (const path of ['/data', '/data/a', '/data/a/b', '/data/..a', '/data/...']) {
    expect([path, isInside(path, '/data')]).toEqual([path, true]);
  }
  for (const path of ['/', '/dat', '/database', '/data2/a', '/other/data', '/data/../other']) {
    expect([path, isInside(path, '/data')]).toEqual([path, false]);
  }
});

test('a database of a command lies below the root, whatever way its name takes', () => {
  expect(databasePath('app', '/root')).toBe('/root/app.db');
  expect(databasePath('folder/app.sqlite', '/root')).toBe('/root/folder/app.sqlite');
  expect(databasePath('..app', '/root')).toBe('/root/..app');
  expect(databasePath('/root/app', '/root')).toBe('/root/app.db');
  for (const name of ['..', '../app', 'folder/../../app', '/rooted/app', '/', '/root', '.']) {
    expect(() => databasePath(name, '/root'), name).toThrow('is not below /root');
  }
  for (const name of ['app.db-wal', 'app.db-shm', 'app-journal']) {
    expect(() => databasePath(name, '/root'), name).toThrow('keeps beside a database');
  }
});
